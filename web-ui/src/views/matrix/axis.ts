// The order of rows or columns of the matrix: by block, then by name, so that a place is found again.
import type { Graph } from '../../canvas/graph';

export interface Block {
  readonly key: string;
  readonly name: string;
  readonly start: number;
  readonly length: number;
  readonly collapsible: boolean;
}

export interface Axis {
  /** Of each position: the index of its node in the graph. */
  readonly nodes: Uint32Array;
  /** Of each node of the graph: its position, or -1. */
  readonly positions: Int32Array;
  readonly blocks: readonly Block[];
  /** Nodes that found no place, because there are more than can be shown. */
  readonly left: number;
}

/** More than this is unreadable in every zoom, and dear to hold. */
export const MOST_POSITIONS = 2000;

const byName = new Intl.Collator('en', { numeric: true });

/** Only nodes with an edge on this side have a position: empty rows and columns tell nothing. */
export function buildAxis(graph: Graph, side: 'source' | 'destination'): Axis {
  const used = new Uint8Array(graph.nodes.length);
  for (const node of graph[side]) {
    used[node] = 1;
  }
  const order = graph.nodes
    .map((node, index) => ({ node, index }))
    .filter(({ index }) => used[index] === 1)
    .sort(
      (a, b) =>
        byName.compare(a.node.order, b.node.order) ||
        byName.compare(a.node.blockName, b.node.blockName) ||
        byName.compare(a.node.name, b.node.name) ||
        (a.node.key < b.node.key ? -1 : 1),
    );
  const shown = order.slice(0, MOST_POSITIONS);
  const positions = new Int32Array(graph.nodes.length).fill(-1);
  const blocks: { key: string; name: string; start: number; length: number; collapsible: boolean }[] = [];
  shown.forEach(({ node, index }, position) => {
    positions[index] = position;
    const last = blocks.at(-1);
    if (last?.key === node.block) {
      last.length += 1;
      return;
    }
    blocks.push({
      key: node.block,
      name: node.blockName,
      start: position,
      length: 1,
      collapsible: node.collapsible,
    });
  });
  return {
    nodes: Uint32Array.from(shown, ({ index }) => index),
    positions,
    blocks,
    left: order.length - shown.length,
  };
}
