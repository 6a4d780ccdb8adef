// Groups, expanded groups and the sums between them.
import { describe, expect, it } from 'vitest';
import { groupSeries, type Grouping } from './group_series';
import { EMPTY_PICTURE } from './use_picture';
import type { Picture } from './picture';
import type { LabelSet, Series, Verdict } from './series';

function end(number: number, namespace: string, role: string): LabelSet {
  const name = namespace ? `${namespace}/${role}` : role;
  return {
    number,
    key: name,
    labels: namespace ? [`k8s:io.kubernetes.pod.namespace=${namespace}`, `k8s:role=${role}`] : [`reserved:${role}`],
    namespace,
    workloads: namespace ? [`Deployment/${role}`] : [],
    identities: [number],
    name,
  };
}

const front = end(1, 'shop', 'front');
const db = end(2, 'shop', 'db');
const world = end(3, '', 'world');

function series(number: number, source: LabelSet, destination: LabelSet, verdict: Verdict, counts = true): Series {
  return {
    number,
    source,
    destination,
    protocol: 6,
    port: 80,
    direction: 'ingress',
    verdict,
    dropReason: '',
    node: '',
    counts,
    firstSeenMs: 0,
    lastSeenMs: 0,
  };
}

const picture: Picture = {
  ...EMPTY_PICTURE,
  structure: 1,
  series: [
    undefined,
    series(1, front, db, 'forwarded'),
    series(2, front, db, 'forwarded', false),
    series(3, world, front, 'dropped'),
    series(4, db, front, 'audited'),
  ],
  matches: Uint8Array.from([0, 1, 1, 1, 0]),
  sums: {
    connections: Float64Array.from([0, 10, 10, 3, 7]),
    packets: Float64Array.from([0, 100, 100, 3, 7]),
    bytes: Float64Array.from([0, 1000, 1000, 30, 70]),
  },
};

const cases: [string, Grouping, string[], string[], string[]][] = [
  ['namespace', { by: 'namespace' }, [], ['shop', 'world'], ['shop>shop 10/0/0', 'world>shop 0/0/3']],
  [
    'an expanded namespace',
    { by: 'namespace' },
    ['ns:shop'],
    ['shop/db', 'shop/front', 'world'],
    ['shop/front>shop/db 10/0/0', 'world>shop/front 0/0/3'],
  ],
  [
    'a label',
    { by: 'label', key: 'role' },
    [],
    ['role=db', 'role=front', 'world'],
    ['role=front>role=db 10/0/0', 'world>role=front 0/0/3'],
  ],
];

describe('groupSeries', () => {
  it.each(cases)('groups by %s', (_, grouping, expanded, groups, edges) => {
    const grouped = groupSeries(picture, grouping, expanded);
    expect(grouped.groups.map((group) => group.name)).toEqual(groups);
    expect(
      grouped.edges.map(
        (edge) =>
          `${edge.source.name}>${edge.destination.name} ${edge.forwarded.connections}/${edge.audited.connections}/${edge.dropped.connections}`,
      ),
    ).toEqual(edges);
  });

  it('counts a connection once and lists both judgements', () => {
    const edge = groupSeries(picture, { by: 'identity' }).edges[0]!;
    expect(edge.series.map((one) => one.number)).toEqual([1, 2]);
    expect(edge.forwarded).toEqual({ connections: 10, packets: 100, bytes: 1000 });
  });
});
