// The graph of a picture. What depends on definitions and filter only is kept, so that new sums cost one pass over them.
import { groupSeries, type Group, type Grouping } from '../model/group_series';
import { rangeSeconds, type Measure, type Picture } from '../model/picture';
import { VERDICTS } from '../model/series';
import type { Graph, GraphNode } from './graph';

const LAST = '\uffff';

function nodeOf(group: Group, grouping: Grouping): GraphNode {
  const inside = group.parent !== undefined;
  const byNamespace = grouping.by === 'identity' || grouping.by === 'workload';
  const block = group.parent ?? (byNamespace && group.namespace ? `ns:${group.namespace}` : '');
  return {
    key: group.key,
    name: group.name,
    // The value of a label goes through namespaces, and so do its members.
    order: grouping.by === 'label' ? (inside || group.key.startsWith('lb:') ? '' : LAST) : group.namespace || LAST,
    block,
    blockName: block.slice(block.indexOf(':') + 1),
    expandable: !inside && group.members.length > 1,
    collapsible: inside,
    identities: group.members.length,
  };
}

interface Shape extends Pick<Graph, 'nodes' | 'source' | 'destination'> {
  readonly structure: number;
  readonly series: Picture['series'];
  readonly asked: string;
  /** Numbers of series that count, and of each: three times its edge, plus the place of its verdict. */
  readonly counted: Uint32Array;
  readonly slots: Uint32Array;
}

const MOST_KEPT = 4;
const kept: Shape[] = [];

function shapeOf(picture: Picture, grouping: Grouping, expanded: readonly string[]): Shape {
  const asked = JSON.stringify([grouping, expanded]);
  const known = kept.find(
    (one) => one.structure === picture.structure && one.series === picture.series && one.asked === asked,
  );
  if (known) return known;
  const grouped = groupSeries(picture, grouping, expanded);
  const index = new Map(grouped.groups.map((group, at) => [group, at]));
  const counted: number[] = [];
  const slots: number[] = [];
  grouped.edges.forEach((edge, at) => {
    for (const series of edge.series) {
      if (!series.counts) continue;
      counted.push(series.number);
      slots.push(at * 3 + VERDICTS.indexOf(series.verdict));
    }
  });
  const shape = {
    structure: picture.structure,
    series: picture.series,
    asked,
    nodes: grouped.groups.map((group) => nodeOf(group, grouping)),
    source: Uint32Array.from(grouped.edges, (edge) => index.get(edge.source)!),
    destination: Uint32Array.from(grouped.edges, (edge) => index.get(edge.destination)!),
    counted: Uint32Array.from(counted),
    slots: Uint32Array.from(slots),
  };
  kept.unshift(shape);
  kept.length = Math.min(kept.length, MOST_KEPT);
  return shape;
}

/** Groups and the edges between them, per second of the range. */
export function graphOf(
  picture: Picture,
  grouping: Grouping,
  expanded: readonly string[],
  measure: Measure,
  seconds = rangeSeconds(picture),
): Graph {
  const { nodes, source, destination, counted, slots } = shapeOf(picture, grouping, expanded);
  const sums = picture.sums[measure];
  const rates = VERDICTS.map(() => new Float64Array(source.length));
  for (let at = 0; at < counted.length; at += 1) {
    const slot = slots[at]!;
    rates[slot % 3]![(slot / 3) | 0]! += (sums[counted[at]!] ?? 0) / seconds;
  }
  return { nodes, source, destination, forwarded: rates[0]!, audited: rates[1]!, dropped: rates[2]! };
}
