// Keys and their two-letter sequences.
import { describe, expect, it } from 'vitest';
import { Keys } from './keys';

describe('Keys', () => {
  it('knows single keys and sequences', () => {
    let now = 0;
    const keys = new Keys(() => now);
    expect(keys.press('d')).toEqual({ do: 'drops' });
    expect(keys.press('g')).toBeUndefined();
    expect(keys.press('d')).toEqual({ do: 'view', view: 'drops' });
    keys.press('g');
    expect(keys.press('x')).toBeUndefined();
    expect(keys.press('p')).toEqual({ do: 'pause' });
    keys.press('g');
    now = 2_000;
    expect(keys.press('m')).toBeUndefined();
  });
});
