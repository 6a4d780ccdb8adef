// Numbers stay honest when they are made short.
import { describe, expect, it } from 'vitest';
import { bytesText, countText, durationText, exactText, rateText, shareText } from './numbers';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567.4, '1,234,567'],
    [-1234, '-1,234'],
  ])('all of %d', (value, text) => expect(exactText(value)).toBe(text));
  it.each([
    [0, '0'],
    [9999, '9,999'],
    [10_000, '10.0k'],
    [999_600, '1.0M'],
    [123_456_789, '123M'],
  ])('count %d', (value, text) => expect(countText(value)).toBe(text));
  it.each([
    [0, '0/s'],
    [0.001, '<0.01/s'],
    [0.25, '0.25/s'],
    [3.44, '3.4/s'],
    [5000, '5,000/s'],
  ])('rate %d', (value, text) => expect(rateText(value)).toBe(text));
  it.each([
    [0, 10, '0 %'],
    [10, 10, '100 %'],
    [1, 100_000, '<0.1 %'],
    [99_999, 100_000, '>99.9 %'],
    [0, 0, '–'],
    [1, 3, '33 %'],
  ])('share %d of %d', (part, all, text) => expect(shareText(part, all)).toBe(text));
  it.each([
    [450, '450 ms'],
    [3200, '3.2 s'],
    [61_000, '61 s'],
    [300_000, '5 min'],
    [7_800_000, '2 h 10 min'],
  ])('duration %d', (value, text) => expect(durationText(value)).toBe(text));
  it.each([
    [10, '10 B'],
    [2048, '2.0 KiB'],
    [10 * 1024 * 1024, '10 MiB'],
  ])('bytes %d', (value, text) => expect(bytesText(value)).toBe(text));
});
