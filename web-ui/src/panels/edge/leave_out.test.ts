// What is said of an exclusion is what it does: held against every edge between five identities.
import { expect, test } from 'vitest';
import { parseFilter } from '../../filter/parse';
import type { Picture } from '../../model/picture';
import type { LabelSet, Series } from '../../model/series';
import { EMPTY_PICTURE } from '../../model/use_picture';
import { endOf } from './ends';
import { effectOf, isExact, leaveOutInstead } from './leave_out';

const names = ['a', 'b', 'c', 'd', 'e'];
const sets = names.map((name, at): LabelSet => {
  const labels = [`k8s:role=${name}`];
  return { number: at + 1, key: `shop/${name}~x`, labels, namespace: '', workloads: [], identities: [300 + at], name };
});
const series: (Series | undefined)[] = [undefined];
for (const source of sets) {
  for (const destination of sets) {
    for (const protocol of [6, 17]) {
      const number = series.length;
      const judged = { direction: 'ingress', verdict: 'forwarded', dropReason: '', node: '', counts: true } as const;
      series.push({ number, source, destination, protocol, port: 80, ...judged, firstSeenMs: 1, lastSeenMs: 2 });
    }
  }
}
const ones = new Float64Array(series.length).fill(1);
const picture: Picture = { ...EMPTY_PICTURE, series, sums: { connections: ones, packets: ones, bytes: ones } };
const end = (name: string) => endOf(series, `lb:${name}`, { by: 'label', key: 'role' })!;

const out = (source: string, destination: string) =>
  `--not --from-label role=${source} --not --to-label role=${destination}`;

test.each<[string, boolean, string[], string[]]>([
  ['', true, [], []],
  ['--from-label role=a', true, [], []],
  [out('a', 'c'), true, [], []],
  [out('c', 'b'), true, [], []],
  [`${out('a', 'c')} --not --to-label role=d`, true, [], []],
  [out('c', 'd'), false, ['a → d', 'c → b'], []],
  [`${out('a', 'c')} --not --from-label role=d`, false, ['d → b'], []],
  ['--not --from-label role=c', false, [], ['c → a', 'c → c', 'c → d', 'c → e']],
  ['--verdict FORWARDED --not --from-label role=c --to-label role=d', false, [], ['c → d']],
])('leaving a → b out of “%s”', (filter, exact, gone, back) => {
  const [source, destination] = [end('a'), end('b')];
  const edge = [...source.terms('from'), ...destination.terms('to')];
  expect(isExact(filter, edge)).toBe(exact);
  expect(effectOf(picture, filter, edge, source, destination)).toEqual({ gone, back });
});

test('of a protocol that is left out, all comes back but the edge', () => {
  const [source, destination] = [end('a'), end('b')];
  const edge = [...source.terms('from'), ...destination.terms('to')];
  expect(isExact('--not --protocol udp', edge)).toBe(false);
  expect(effectOf(picture, '--not --protocol udp', edge, source, destination)!.back).toHaveLength(24);
});

test('instead of others', () => {
  const edge = parseFilter('--from-label role=a --to-label role=b').terms;
  expect(leaveOutInstead(`--to-port 80 ${out('c', 'd')}`, edge)).toBe(`--to-port 80 ${out('a', 'b')}`);
});
