// Who talks to whom, as canvases draw it: nodes, and edges in typed arrays.
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

/** The name without what its block says already. */
export function nameInBlock(node: GraphNode): string {
  const { name, blockName } = node;
  return blockName && name.startsWith(`${blockName}/`) ? name.slice(blockName.length + 1) : name;
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
  if (graph.forwarded[edge]! > 0) parts.push(`● forwarded ${rate(graph.forwarded[edge]!)}`);
  return parts.join(', ') || 'no traffic in the range';
}
