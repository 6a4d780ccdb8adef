// Text is cut where it no longer fits.
import { expect, test } from 'vitest';
import { shorten } from './text';

test.each([
  ['frontend', 8, 'frontend'],
  ['frontend', 7, 'fronte…'],
  ['frontend', 2, 'f…'],
  ['frontend', 1, ''],
  ['', 0, ''],
])('%s in %d', (text, room, expected) => {
  expect(shorten(text, (part) => part.length <= room)).toBe(expected);
});
