// Text is cut where it no longer fits.
import { expect, test } from 'vitest';
import { Letters } from './text';

const letters = new Letters((letter) => (letter === 'i' ? 25 : 50));

test.each([
  ['frontend', 80, 'frontend'],
  ['frontend', 79, 'fronte…'],
  ['frontend', 20, 'f…'],
  ['frontend', 19, ''],
  ['iiii', 20, 'iiii'],
  ['iiii', 19, 'i…'],
  ['späte Züge', 60, 'späte…'],
  ['', 0, ''],
])('%s in %d', (text, room, expected) => {
  expect(letters.fit(text, 20, room)).toBe(expected);
});

test('widths follow the size', () => {
  expect(letters.width('ai', 20)).toBe(15);
  expect(letters.width('ai', 40)).toBe(30);
});
