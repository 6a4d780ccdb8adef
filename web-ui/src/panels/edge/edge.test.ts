// Ends are found by their keys, filters select them, and what was judged is put together rightly.
import { describe, expect, test } from 'vitest';
import { seriesTest } from '../../filter/match_series';
import { parseFilter, printTerms } from '../../filter/parse';
import { selectionOf } from '../../filter/selection';
import type { Grouping } from '../../model/group_series';
import type { Picture } from '../../model/picture';
import { EMPTY_PICTURE } from '../../model/use_picture';
import type { LabelSet, Series } from '../../model/series';
import { endOf } from './ends';
import { judgementsOf, portsOf } from './judgements';
import { observeCommand } from './observe_command';
import { onlyEdge } from './only_edge';

function set(name: string, namespace: string, labels: string[], workloads: string[] = []): LabelSet {
  return { number: 1, key: `${name}~x`, labels, namespace, workloads, identities: [300], name };
}

const web = set('shop/web', 'shop', ['k8s:app=web', 'k8s:io.kubernetes.pod.namespace=shop'], ['Deployment/web']);
const db = set(
  'shop/db',
  'shop',
  ['k8s:app=db', 'k8s:io.kubernetes.pod.namespace=shop', 'k8s:tier=data'],
  ['StatefulSet/db'],
);
const world: LabelSet = { ...set('world', '', ['reserved:world']), key: 'world', identities: [2] };

function series(number: number, more: Partial<Series>): Series {
  return {
    number,
    source: web,
    destination: db,
    protocol: 6,
    port: 5432,
    direction: 'ingress',
    verdict: 'forwarded',
    dropReason: '',
    node: '',
    counts: true,
    firstSeenMs: 1000 * number,
    lastSeenMs: 0,
    ...more,
  };
}

const all = [undefined, series(1, {}), series(2, { source: world })];

test.each<[string, Grouping, string, string]>([
  ['ns:shop', { by: 'namespace' }, 'shop', '--from-namespace shop'],
  ['wl:shop/StatefulSet/db', { by: 'namespace' }, 'shop/db', '--from-namespace shop --from-workload StatefulSet/db'],
  ['lb:web', { by: 'label', key: 'app' }, 'app=web', '--from-label app=web'],
  ['lb:', { by: 'label', key: 'tier' }, 'without tier', `--from-label '!tier,io.kubernetes.pod.namespace'`],
  ['shop/web~x', { by: 'namespace' }, 'shop/web', '--from-namespace shop --from-label k8s:app=web'],
  ['shop/db~x', { by: 'workload' }, 'shop/db', '--from-namespace shop --from-label k8s:app=db,k8s:tier=data'],
  ['world', { by: 'namespace' }, 'world', '--from-identity world'],
])('the end %s by %o', (key, grouping, name, flags) => {
  const end = endOf(all, key, grouping)!;
  expect(end.name).toBe(name);
  expect(printTerms(end.terms('from'))).toBe(flags);
  const { terms, problems } = parseFilter(flags);
  expect(problems).toEqual([]);
  const passes = seriesTest(selectionOf(terms));
  for (const one of all) if (one) expect(passes(one)).toBe(end.sets.has(one.source));
});

test('an unknown key is no end', () => {
  expect(endOf(all, 'ns:gone', { by: 'namespace' })).toBeUndefined();
});

describe('judgements', () => {
  const rule = { number: 4, description: 'NetworkPolicy/shop/db', policies: [], section: 'ingress' };
  const list = [
    series(1, {}),
    series(2, { verdict: 'dropped', dropReason: 'POLICY_DENIED', rule, node: 'c/a' }),
    series(3, { verdict: 'dropped', dropReason: 'POLICY_DENIED', rule, node: 'c/b' }),
    series(4, { direction: 'egress', counts: false }),
    series(5, { port: 53, protocol: 17 }),
  ];
  const connections = Float64Array.from([0, 10, 2, 3, 10, 7]);
  const picture: Picture = {
    ...EMPTY_PICTURE,
    sums: { connections, packets: connections, bytes: connections },
    lastSeenMs: Float64Array.from([0, 50, 60, 70, 80, 90]),
  };
  const judgements = judgementsOf(picture, list, 'connections');

  test('of several nodes are one, the worst first', () => {
    expect(judgements.map(({ verdict, amount, counts, nodes }) => [verdict, amount, counts, nodes])).toEqual([
      ['dropped', 5, true, ['c/a', 'c/b']],
      ['forwarded', 10, true, []],
      ['forwarded', 7, true, []],
      ['forwarded', 10, false, []],
    ]);
    expect(judgements[0]).toMatchObject({ firstSeenMs: 2000, lastSeenMs: 70 });
  });

  test('ports have what counts, once', () => {
    expect(portsOf(judgements).map(({ text, forwarded, dropped }) => [text, forwarded, dropped])).toEqual([
      ['TCP 5432', 10, 5],
      ['UDP 53', 7, 0],
    ]);
  });
});

test.each([
  ['', '--from-identity world --to-namespace shop'],
  ['--from-namespace ops --verdict DROPPED', '--verdict DROPPED --from-identity world --to-namespace shop'],
  [
    '--to-port 53 --not --to-namespace ops',
    '--to-port 53 --not --to-namespace ops --from-identity world --to-namespace shop',
  ],
])('only the edge of “%s”', (before, after) => {
  const terms = parseFilter('--from-identity world --to-namespace shop').terms;
  expect(onlyEdge(before, terms)).toBe(after);
});

test('the command has the range', () => {
  const terms = [{ flag: 'verdict', value: 'DROPPED', not: false }];
  expect(observeCommand(terms, { kind: 'live' })).toBe('tycho observe --verdict DROPPED --follow');
  expect(observeCommand([], { kind: 'last', seconds: 300 })).toBe('tycho observe --since 300s');
  expect(observeCommand([], { kind: 'absolute', fromMs: 0, toMs: 1000 })).toBe(
    'tycho observe --since 1970-01-01T00:00:00.000Z --until 1970-01-01T00:00:01.000Z',
  );
});
