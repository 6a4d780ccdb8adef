// Puts series together to groups and the edges between them, for matrix, map and tables.
import type { Measure, Picture, Sums } from './picture';
import { VERDICTS, type LabelSet, type Series, type Verdict } from './series';

export type Grouping = { by: 'namespace' } | { by: 'workload' } | { by: 'identity' } | { by: 'label'; key: string };

export interface Group {
  /** The same on every server: fit for links and for remembered positions. */
  readonly key: string;
  readonly name: string;
  /** The group that was expanded to show this identity. */
  readonly parent?: string;
  readonly namespace: string;
  readonly members: readonly LabelSet[];
}

export interface Counts {
  connections: number;
  packets: number;
  bytes: number;
}

export interface GroupEdge {
  readonly key: string;
  readonly source: Group;
  readonly destination: Group;
  /** All series between the two that match, also those that do not count. */
  readonly series: readonly Series[];
  readonly forwarded: Readonly<Counts>;
  readonly audited: Readonly<Counts>;
  readonly dropped: Readonly<Counts>;
  /** One of these numbers, without an object around it. */
  count(verdict: Verdict, measure: Measure): number;
}

export interface Grouped {
  readonly groups: readonly Group[];
  /** Edges of all series that match; those without traffic in the range have only zeros. */
  readonly edges: readonly GroupEdge[];
}

/** Value of a label key, whatever its source; `''` if the set has none. */
export function labelValue(set: LabelSet, key: string): string {
  for (const label of set.labels) {
    const equals = label.indexOf('=');
    const named = equals < 0 ? label : label.slice(0, equals);
    const colon = named.indexOf(':');
    if (named === key || (colon >= 0 && named.slice(colon + 1) === key)) {
      return equals < 0 ? '' : label.slice(equals + 1);
    }
  }
  return '';
}

/** Ends without namespace (world, host, networks) stand for themselves, whatever the grouping. */
export function groupOf(set: LabelSet, grouping: Grouping): { key: string; name: string } {
  switch (grouping.by) {
    case 'identity':
      return { key: set.key, name: set.name };
    case 'namespace':
      return set.namespace ? { key: `ns:${set.namespace}`, name: set.namespace } : { key: set.key, name: set.name };
    case 'workload': {
      const workload = set.workloads[0];
      if (!workload) return { key: set.key, name: set.name };
      const name = workload.slice(workload.indexOf('/') + 1);
      return {
        key: `wl:${set.namespace}/${workload}`,
        name: set.namespace ? `${set.namespace}/${name}` : name,
      };
    }
    case 'label': {
      const value = labelValue(set, grouping.key);
      if (value) return { key: `lb:${value}`, name: `${grouping.key}=${value}` };
      return set.namespace ? { key: 'lb:', name: `without ${grouping.key}` } : { key: set.key, name: set.name };
    }
  }
}

interface Structure {
  readonly picture: Picture;
  readonly grouping: string;
  readonly groups: Group[];
  readonly edges: { key: string; source: Group; destination: Group; series: Series[] }[];
  /** By series number: 1 + place of its edge; 0: it does not count. */
  readonly edgeOf: Uint32Array;
}

const byName = new Intl.Collator();
const MOST_GROUPS = 2 ** 24;

function structureOf(picture: Picture, grouping: Grouping, expanded: readonly string[], named: string): Structure {
  const open = new Set(expanded);
  const groups = new Map<string, Group & { members: LabelSet[] }>();
  const ordinals = new Map<string, number>();
  const found: Group[] = [];
  const bySet = new Map<LabelSet, number>();
  const find = (set: LabelSet): number => {
    const known = bySet.get(set);
    if (known !== undefined) return known;
    const outer = groupOf(set, grouping);
    const inside = open.has(outer.key) && outer.key !== set.key;
    const key = inside ? set.key : outer.key;
    let group = groups.get(key);
    if (!group) {
      group = inside
        ? { key, name: set.name, parent: outer.key, namespace: set.namespace, members: [] }
        : { key, name: outer.name, namespace: set.namespace, members: [] };
      groups.set(key, group);
      ordinals.set(key, found.length);
      found.push(group);
    }
    group.members.push(set);
    const ordinal = ordinals.get(key)!;
    bySet.set(set, ordinal);
    return ordinal;
  };
  // Keyed by two ordinals in one number: ten thousands of joined strings would be most of the work.
  const edges = new Map<number, number>();
  const list: Structure['edges'] = [];
  const edgeOf = new Uint32Array(picture.series.length);
  for (const series of picture.series) {
    if (!series || picture.matches[series.number] !== 1) continue;
    const source = find(series.source);
    const destination = find(series.destination);
    const ends = source * MOST_GROUPS + destination;
    let place = edges.get(ends);
    if (place === undefined) {
      place = list.length;
      edges.set(ends, place);
      const [from, to] = [found[source]!, found[destination]!];
      list.push({ key: `${from.key} ${to.key}`, source: from, destination: to, series: [] });
    }
    list[place]!.series.push(series);
    if (series.counts) edgeOf[series.number] = place + 1;
  }
  const sorted = [...found].sort(
    (a, b) =>
      byName.compare(a.namespace || '\uffff', b.namespace || '\uffff') ||
      byName.compare(a.name, b.name) ||
      byName.compare(a.key, b.key),
  );
  return { picture, grouping: named, groups: sorted, edges: list, edgeOf };
}

const MEASURES: readonly Measure[] = ['connections', 'packets', 'bytes'];
const CELLS = VERDICTS.length * MEASURES.length;
const PLACE_OF: Readonly<Record<Verdict, number>> = { forwarded: 0, audited: 3, dropped: 6 };

/** Ten thousand edges come with every picture, so one is no more than a view on shared numbers. */
class CountedEdge implements GroupEdge {
  constructor(
    private readonly fixed: Structure['edges'][number],
    private readonly totals: Float64Array,
    private readonly base: number,
  ) {}

  get key() {
    return this.fixed.key;
  }

  get source() {
    return this.fixed.source;
  }

  get destination() {
    return this.fixed.destination;
  }

  get series() {
    return this.fixed.series;
  }

  get forwarded() {
    return this.counts('forwarded');
  }

  get audited() {
    return this.counts('audited');
  }

  get dropped() {
    return this.counts('dropped');
  }

  count(verdict: Verdict, measure: Measure): number {
    return this.totals[this.base + PLACE_OF[verdict] + MEASURES.indexOf(measure)]!;
  }

  private counts(verdict: Verdict): Counts {
    const at = this.base + PLACE_OF[verdict];
    return { connections: this.totals[at]!, packets: this.totals[at + 1]!, bytes: this.totals[at + 2]! };
  }
}

const kept: Structure[] = [];

/**
 * Groups and edges of what matches, summed over the range (or what else `sums` says). What only depends on definitions
 * and filter is kept between calls, so that a new picture costs one pass over its sums.
 */
export function groupSeries(
  picture: Picture,
  grouping: Grouping,
  expanded: readonly string[] = [],
  sums: Sums = picture.sums,
): Grouped {
  const named = JSON.stringify([grouping, expanded]);
  let structure = kept.find(
    (one) =>
      one.picture.structure === picture.structure && one.picture.series === picture.series && one.grouping === named,
  );
  if (!structure) {
    structure = structureOf(picture, grouping, expanded, named);
    kept.unshift(structure);
    kept.length = Math.min(kept.length, 4);
  }
  const { edgeOf, edges } = structure;
  const totals = new Float64Array(edges.length * CELLS);
  for (let number = 0; number < edgeOf.length; number++) {
    const place = edgeOf[number]!;
    if (place === 0) continue;
    const at = (place - 1) * CELLS + PLACE_OF[picture.series[number]!.verdict];
    totals[at] = totals[at]! + (sums.connections[number] ?? 0);
    totals[at + 1] = totals[at + 1]! + (sums.packets[number] ?? 0);
    totals[at + 2] = totals[at + 2]! + (sums.bytes[number] ?? 0);
  }
  return {
    groups: structure.groups,
    edges: edges.map((edge, place) => new CountedEdge(edge, totals, place * CELLS)),
  };
}
