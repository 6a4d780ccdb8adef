// What the overview says of all edges is the sum of what it says of each.
import { expect, it } from 'vitest';
import { EMPTY_PICTURE } from '../../model/use_picture';
import type { Picture } from '../../model/picture';
import type { LabelSet, Series, Verdict } from '../../model/series';
import { edgeRows, totalsOf } from './edges';

function end(number: number): LabelSet {
  const name = `shop/app-${number}`;
  return {
    number,
    key: name,
    labels: [`k8s:app=${number}`],
    namespace: 'shop',
    workloads: [],
    identities: [number],
    name,
  };
}

function series(number: number, from: number, to: number, verdict: Verdict, counts = true): Series {
  const told = { protocol: 6, port: 80, direction: 'ingress', dropReason: '', node: '', firstSeenMs: 0, lastSeenMs: 0 };
  return { ...told, number, source: end(from), destination: end(to), verdict, counts } as Series;
}

const picture: Picture = {
  ...EMPTY_PICTURE,
  structure: 1,
  // The third does not count, the fifth does not match.
  series: [
    undefined,
    series(1, 1, 2, 'forwarded'),
    series(2, 1, 2, 'dropped'),
    series(3, 1, 2, 'dropped', false),
    series(4, 2, 3, 'audited'),
    series(5, 3, 1, 'forwarded'),
  ],
  matches: Uint8Array.from([0, 1, 1, 1, 1, 0]),
  sums: {
    connections: Float64Array.from([0, 10, 4, 4, 3, 50]),
    packets: Float64Array.from([0, 100, 4, 4, 9, 500]),
    bytes: Float64Array.from([0, 1000, 40, 40, 90, 5000]),
  },
};

it.each([
  ['connections', 10, 3, 4],
  ['packets', 100, 9, 4],
  ['bytes', 1000, 90, 40],
] as const)('%s', (measure, forwarded, audited, dropped) => {
  const all = forwarded + audited + dropped;
  expect(totalsOf(picture, measure)).toEqual({ forwarded, audited, dropped, all });
  const rows = edgeRows(picture, measure);
  expect(rows.reduce((sum, row) => sum + row.total, 0)).toBe(all);
  expect(rows.reduce((sum, row) => sum + row.dropped, 0)).toBe(dropped);
  expect(rows.reduce((sum, row) => sum + row.audited, 0)).toBe(audited);
});
