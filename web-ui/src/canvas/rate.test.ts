// Rates are short, and what is there is never told as nothing.
import { expect, test } from 'vitest';
import { RATES, shortNumber } from './rate';

test.each([
  [0, '0'],
  [0.0001, '<0.01'],
  [0.25, '0.25'],
  [1, '1'],
  [2.345, '2.3'],
  [45.6, '46'],
  [99.6, '100'],
  [999.4, '999'],
  [999.7, '1k'],
  [1234, '1.2k'],
  [56_700, '57k'],
  [3_400_000, '3.4M'],
  [7e9, '7G'],
])('%d is %s', (value, text) => expect(shortNumber(value)).toBe(text));

test('bytes have their unit behind the step', () => {
  expect(RATES.bytes(1500)).toBe('1.5 kB/s');
  expect(RATES.bytes(12)).toBe('12 B/s');
});
