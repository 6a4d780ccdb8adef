// A cluster that is made up: as many identities and edges as asked for, with skewed traffic, the same every time.
import type { Picture, Sums } from '../../src/model/picture';
import type { LabelSet, Series } from '../../src/model/series';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function labelSets(count: number): LabelSet[] {
  const namespaces = Math.max(4, Math.round(Math.sqrt(count) / 1.8));
  return Array.from({ length: count }, (_, number) => {
    const namespace = `team-${number % namespaces}`;
    const workload = `service-${Math.floor(number / namespaces / 2)}`;
    return {
      number: number + 1,
      key: `${namespace}/${workload}#${number}`,
      labels: [`k8s:app=${workload}`],
      namespace,
      workloads: [`Deployment/${workload}`],
      identities: [1000 + number],
      name: `${namespace}/${workload}-${number}`,
    };
  });
}

/** Every 23rd edge is denied in part or whole, every 41st audited. */
export function series(sets: readonly LabelSet[], edges: number): (Series | undefined)[] {
  const next = random(7);
  const seen = new Set<number>();
  const all: (Series | undefined)[] = [undefined];
  while (seen.size < edges) {
    // Squared: a few identities are talked to by most.
    const source = Math.floor(next() * sets.length);
    const destination = Math.floor(next() ** 2 * sets.length);
    const key = source * sets.length + destination;
    if (seen.has(key)) continue;
    seen.add(key);
    const add = (verdict: Series['verdict']) =>
      all.push({
        number: all.length,
        source: sets[source]!,
        destination: sets[destination]!,
        protocol: 6,
        port: 8080,
        direction: 'ingress',
        verdict,
        dropReason: verdict === 'forwarded' ? '' : 'POLICY_DENIED',
        node: '',
        counts: true,
        firstSeenMs: 0,
        lastSeenMs: 0,
      });
    if (seen.size % 41 === 0) add('audited');
    if (seen.size % 23 === 0) add('dropped');
    if (seen.size % 46 !== 0) add('forwarded');
  }
  return all;
}

function sums(count: number, next: () => number): Sums {
  const connections = Float64Array.from({ length: count }, (_, number) =>
    number % 5 === 0 ? 0 : Math.floor(next() ** 6 * 20_000),
  );
  return { connections, packets: connections.map((each) => each * 8), bytes: connections.map((each) => each * 4000) };
}

/** One picture after another of the same cluster, with other sums each time. */
export function pictures(identities: number, edges: number): () => Picture {
  const all = series(labelSets(identities), edges);
  const matches = new Uint8Array(all.length).fill(1);
  const next = random(11);
  let version = 0;
  return () => {
    version += 1;
    const now = sums(all.length, next);
    return {
      version,
      structure: 1,
      rangeStartMs: 0,
      rangeEndMs: 60_000,
      series: all,
      matches,
      sums: now,
      lastWindow: now,
      lastWindowMs: 60_000,
      hidden: { connections: 0, by: '' },
      lastSeenMs: new Float64Array(all.length),
      timeline: [],
      timelineOf: () => [],
      lost: 0,
      late: 0,
      countsFlowsOnly: false,
      empty: false,
    };
  };
}
