// Who talks to whom, as canvases draw it: nodes, and edges in typed arrays.
import type { Group, Grouped, Grouping } from '../model/group_series';
import type { Measure } from '../model/picture';

/** A group of identities, or one identity. */
export interface GraphNode {
  /** Stable over pictures, and fit for links. */
  readonly key: string;
  readonly name: string;
  /** What it stands beside: nodes are ordered by this first. */
  readonly order: string;
  /** The block it stands in: the group that was expanded, or its namespace. Empty: none. */
  readonly block: string;
  readonly blockName: string;
  /** It is a group of several identities that can be shown singly. */
  readonly expandable: boolean;
  /** It is shown singly because its block was expanded. */
  readonly collapsible: boolean;
  /** Identities in it. */
  readonly identities: number;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Of each edge: the index of its ends in `nodes`. */
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  /** Of each edge: what was measured in the chosen range, per second. */
  readonly forwarded: Float64Array;
  readonly audited: Float64Array;
  readonly dropped: Float64Array;
}

export const EMPTY_GRAPH: Graph = {
  nodes: [],
  source: new Uint32Array(),
  destination: new Uint32Array(),
  forwarded: new Float64Array(),
  audited: new Float64Array(),
  dropped: new Float64Array(),
};

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

type Shape = Pick<Graph, 'nodes' | 'source' | 'destination'>;
/** What only depends on definitions and filter: pictures of one structure share the list of groups. */
const shapes = new WeakMap<readonly Group[], Shape>();

function shapeOf(grouped: Grouped, grouping: Grouping): Shape {
  const known = shapes.get(grouped.groups);
  if (known) return known;
  const index = new Map(grouped.groups.map((group, at) => [group, at]));
  const shape = {
    nodes: grouped.groups.map((group) => nodeOf(group, grouping)),
    source: Uint32Array.from(grouped.edges, (edge) => index.get(edge.source)!),
    destination: Uint32Array.from(grouped.edges, (edge) => index.get(edge.destination)!),
  };
  shapes.set(grouped.groups, shape);
  return shape;
}

export function toGraph(grouped: Grouped, grouping: Grouping, measure: Measure, seconds: number): Graph {
  return {
    ...shapeOf(grouped, grouping),
    forwarded: Float64Array.from(grouped.edges, (edge) => edge.forwarded[measure] / seconds),
    audited: Float64Array.from(grouped.edges, (edge) => edge.audited[measure] / seconds),
    dropped: Float64Array.from(grouped.edges, (edge) => edge.dropped[measure] / seconds),
  };
}

export function totalOf(graph: Graph, edge: number): number {
  return graph.forwarded[edge]! + graph.audited[edge]! + graph.dropped[edge]!;
}

/** The part of an edge's traffic that was dropped, 0 to 1. */
export function dropShare(graph: Graph, edge: number): number {
  const total = totalOf(graph, edge);
  return total > 0 ? graph.dropped[edge]! / total : 0;
}

/** A share for people: never `0 %` of something, never `100 %` of less than all. */
export function tellShare(share: number): string {
  if (share > 0 && share < 0.01) return '<1 %';
  return `${Math.floor(share * 100)} %`;
}

/** Words for what an edge carries, the worst first. */
export function tellEdge(graph: Graph, edge: number, rate: (perSecond: number) => string): string {
  const parts: string[] = [];
  if (graph.dropped[edge]! > 0) {
    parts.push(`✕ dropped ${rate(graph.dropped[edge]!)} (${tellShare(dropShare(graph, edge))})`);
  }
  if (graph.audited[edge]! > 0) parts.push(`◆ audited ${rate(graph.audited[edge]!)}`);
  if (graph.forwarded[edge]! > 0) parts.push(`■ allowed ${rate(graph.forwarded[edge]!)}`);
  return parts.join(', ') || 'no traffic in the range';
}
