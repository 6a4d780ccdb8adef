// A figure gets shorter without becoming another one.
import { expect, test } from 'vitest';
import { RATES } from '../../canvas/rate';
import type { Measure } from '../../model/picture';
import { shortForms } from './figures';

test.each<[Measure, number, string[]]>([
  ['connections', 0.44, ['0.44/s', '0.44', '.44']],
  ['connections', 0.001, ['<0.01/s', '<0.01', '<.01']],
  ['connections', 12, ['12/s', '12']],
  ['connections', 10_400, ['10k/s', '10k']],
  ['packets', 3, ['3 p/s', '3']],
  ['bytes', 1_240_000, ['1.2 MB/s', '1.2 MB', '1.2MB']],
  ['bytes', 900, ['900 B/s', '900 B', '900B']],
])('%s %d', (measure, perSecond, forms) => {
  expect(shortForms(RATES[measure](perSecond))).toEqual(forms);
});
