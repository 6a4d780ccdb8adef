// Puts series together to groups and the edges between them, for matrix, map and tables.
import type { Group, Grouping } from './groups';
import type { Measure, Picture, Sums } from './picture';
import { VERDICTS, type Series, type Verdict } from './series';
import { Structure, type FixedEdge } from './structure';

export { groupOf, labelValue, type Group, type Grouping } from './groups';

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

const MEASURES: readonly Measure[] = ['connections', 'packets', 'bytes'];
const CELLS = VERDICTS.length * MEASURES.length;
const PLACE_OF: Readonly<Record<Verdict, number>> = { forwarded: 0, audited: 3, dropped: 6 };

/** Ten thousand edges come with every picture, so one is no more than a view on shared numbers. */
class CountedEdge implements GroupEdge {
  constructor(
    private readonly fixed: FixedEdge,
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
const MOST_KEPT = 4;

function structureFor(picture: Picture, grouping: Grouping, expanded: readonly string[]): Structure {
  const named = JSON.stringify([grouping, expanded]);
  const known = kept.find((one) => one.isOf(picture, named));
  if (known) return known;
  const before = kept.find((one) => one.named === named && one.structure === picture.grown?.from);
  const structure = before?.grown(picture) ?? Structure.of(picture, grouping, expanded, named);
  kept.unshift(structure);
  kept.length = Math.min(kept.length, MOST_KEPT);
  return structure;
}

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
  const { groups, edgeOf, edges } = structureFor(picture, grouping, expanded);
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
    groups,
    edges: edges.map((edge, place) => new CountedEdge(edge, totals, place * CELLS)),
  };
}
