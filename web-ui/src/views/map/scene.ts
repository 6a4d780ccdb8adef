// What the map draws: cards at their places, and of the edges those that somebody asked for.
import { dropShare, nameInBlock, totalOf, type Graph } from '../../canvas/graph';
import type { Rectangle } from '../../canvas/viewport';
import { trace } from './curve';
import type { MapLayout } from './layout';

/** More lines than these tell nothing; the list has all. */
export const MOST_DROPS = 80;
export const MOST_OF_ONE = 300;

export interface Card extends Rectangle {
  readonly node: number;
  readonly label: string;
  /** Per second, in both directions. */
  readonly rate: number;
  readonly share: number;
  readonly audited: boolean;
}

export interface Ghost extends Rectangle {
  readonly label: string;
}

/** Edges with their curves, six numbers each: from, bend, to. */
export interface Lines {
  readonly edges: readonly number[];
  readonly curves: Float32Array;
  /** Edges that would be drawn too, if there were not too many. */
  readonly left: number;
}

export interface Scene {
  readonly graph: Graph;
  /** Of each node of the graph, in its order. */
  readonly cards: readonly Card[];
  /** Known identities without anything that matches: they keep their place, and step back. */
  readonly ghosts: readonly Ghost[];
  /** Largest rate of an edge. */
  readonly largest: number;
  readonly drops: Lines;
}

export const NO_LINES: Lines = { edges: [], curves: new Float32Array(), left: 0 };

/** The label is told in full unless the box says the namespace already. */
export function buildScene(graph: Graph, layout: MapLayout, ghosts: readonly Ghost[] = [], inFull = false): Scene {
  const count = graph.nodes.length;
  const rate = new Float64Array(count);
  const dropped = new Float64Array(count);
  const audited = new Float64Array(count);
  const drops: number[] = [];
  let largest = 0;
  for (let edge = 0; edge < graph.source.length; edge += 1) {
    const total = totalOf(graph, edge);
    largest = Math.max(largest, total);
    if (graph.dropped[edge]! > 0) drops.push(edge);
    const source = graph.source[edge]!;
    const destination = graph.destination[edge]!;
    for (const node of source === destination ? [source] : [source, destination]) {
      rate[node]! += total;
      dropped[node]! += graph.dropped[edge]!;
      audited[node]! += graph.audited[edge]!;
    }
  }
  const cards = graph.nodes.map((node, index) => ({
    node: index,
    label: inFull ? node.name : nameInBlock(node),
    rate: rate[index]!,
    share: rate[index]! > 0 ? dropped[index]! / rate[index]! : 0,
    audited: audited[index]! > 0,
    ...layout.card(node.key)!,
  }));
  drops.sort((a, b) => graph.dropped[b]! - graph.dropped[a]! || a - b);
  return { graph, cards, ghosts, largest, drops: linesOf(cards, graph, drops, MOST_DROPS) };
}

export function ghostsOf(
  members: readonly { readonly key: string; readonly name: string }[],
  graph: Graph,
  layout: MapLayout,
): Ghost[] {
  const there = new Set(graph.nodes.map((node) => node.key));
  return members
    .filter(({ key }) => !there.has(key))
    .map(({ key, name }) => ({ label: name.slice(name.indexOf('/') + 1), ...layout.card(key)! }));
}

function linesOf(cards: readonly Card[], graph: Graph, edges: readonly number[], most: number): Lines {
  const shown = edges.slice(0, most);
  const curves = new Float32Array(shown.length * 6);
  shown.forEach((edge, index) => {
    trace(cards[graph.source[edge]!]!, cards[graph.destination[edge]!]!, curves, index * 6);
  });
  return { edges: shown, curves, left: edges.length - shown.length };
}

/** All edges of some nodes, those that carry something and the worst first. */
export function linesTouching(scene: Scene, nodes: ReadonlySet<number>): Lines {
  if (nodes.size === 0) return NO_LINES;
  const { graph } = scene;
  const edges: number[] = [];
  for (let edge = 0; edge < graph.source.length; edge += 1) {
    if (nodes.has(graph.source[edge]!) || nodes.has(graph.destination[edge]!)) edges.push(edge);
  }
  edges.sort((a, b) => dropShare(graph, b) - dropShare(graph, a) || totalOf(graph, b) - totalOf(graph, a) || a - b);
  return linesOf(scene.cards, graph, edges, MOST_OF_ONE);
}

export function cardAt(cards: readonly Card[], x: number, y: number): Card | undefined {
  return cards.find((card) => x >= card.x && y >= card.y && x < card.x + card.width && y < card.y + card.height);
}

/** The card that an arrow key leads to: the nearest one in that direction. */
export function cardBeside(cards: readonly Card[], from: Card, right: number, down: number): Card | undefined {
  let best: Card | undefined;
  let least = Infinity;
  for (const card of cards) {
    const along = (card.x - from.x) * right + (card.y - from.y) * down;
    const across = Math.abs((card.x - from.x) * down) + Math.abs((card.y - from.y) * right);
    // What is more beside than ahead belongs to another arrow.
    const far = along + 3 * across;
    if (card !== from && along > 0 && across <= 4 * along && far < least) {
      least = far;
      best = card;
    }
  }
  return best;
}
