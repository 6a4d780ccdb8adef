// Too many rows become fewer, and few stay as they are wanted.
import { expect, test } from 'vitest';
import { labelSets, series } from '../../../browser/canvas_bench/synthetic_picture';
import type { Grouping } from '../../model/group_series';
import { readableGrouping } from './readable_grouping';

test.each<[identities: number, wanted: Grouping['by'], got: Grouping['by']]>([
  [100, 'identity', 'identity'],
  [280, 'identity', 'identity'],
  [500, 'identity', 'workload'],
  [1000, 'identity', 'namespace'],
  [1000, 'workload', 'namespace'],
  [1000, 'namespace', 'namespace'],
])('%d identities by %s are shown by %s', (identities, by, got) => {
  const all = series(labelSets(identities), identities * 6);
  const matches = new Uint8Array(all.length).fill(1);
  const wanted = { by } as Grouping;
  expect(readableGrouping({ series: all, matches }, wanted).grouping.by).toBe(got);
});
