// The first few are those that sorting all would put first.
import { describe, expect, it } from 'vitest';
import { topOf } from './top';

describe('topOf', () => {
  it.each([0, 1, 3, 10])('of %d', (most) => {
    const rows = [5, 3, 9, 9, 1, 7];
    const falling = (a: number, b: number) => b - a;
    expect(topOf(rows, most, falling)).toEqual([...rows].sort(falling).slice(0, most));
  });
});
