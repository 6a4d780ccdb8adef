// What the map draws of a graph: the worst edges first, never too many, and what is under a point.
import { describe, expect, test } from 'vitest';
import { pictures } from '../../../browser/canvas_bench/synthetic_picture';
import { dropShare } from '../../canvas/graph';
import { graphOf } from '../../canvas/graph_of';
import { lineAt, trace } from './curve';
import { MapLayout } from './layout';
import { boxesOf } from './map_boxes';
import { buildScene, cardAt, cardBeside, ghostsOf, linesTouching, MOST_DROPS, MOST_OF_ONE } from './scene';

const picture = pictures(400, 6000)();
const graph = graphOf(picture, { by: 'identity' }, [], 'connections');
const boxes = boxesOf(picture.series, { by: 'namespace' });
const layout = new MapLayout(1.6);
layout.place(boxes.members);
const scene = buildScene(graph, layout);

describe('a scene of 6,000 edges', () => {
  test('draws the largest drops, and counts the others', () => {
    const all = [...graph.dropped].filter((rate) => rate > 0).sort((a, b) => b - a);
    expect(scene.drops.edges).toHaveLength(MOST_DROPS);
    expect(scene.drops.left).toBe(all.length - MOST_DROPS);
    expect(scene.drops.edges.map((edge) => graph.dropped[edge])).toEqual(all.slice(0, MOST_DROPS));
  });

  test('has all edges of one identity, the worst first', () => {
    const lines = linesTouching(scene, new Set([5]));
    const touching = [...graph.source.keys()].filter(
      (edge) => graph.source[edge] === 5 || graph.destination[edge] === 5,
    );
    expect(lines.edges.length + lines.left).toBe(touching.length);
    expect(lines.edges.length).toBeLessThanOrEqual(MOST_OF_ONE);
    const shares = lines.edges.map((edge) => dropShare(graph, edge));
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(linesTouching(scene, new Set()).edges).toEqual([]);
  });

  test('finds every card under its middle, and nothing between boxes', () => {
    for (const card of scene.cards) {
      expect(cardAt(scene.cards, card.x + card.width / 2, card.y + card.height / 2)).toBe(card);
    }
    expect(cardAt(scene.cards, -50, -50)).toBeUndefined();
  });

  test('arrow keys go back and forth', () => {
    const from = scene.cards.find((card) => cardBeside(scene.cards, card, 1, 0))!;
    const right = cardBeside(scene.cards, from, 1, 0)!;
    expect(right.x).toBeGreaterThan(from.x);
    expect(cardBeside(scene.cards, right, -1, 0)).toBe(from);
  });

  test('what matches nothing is a ghost at its own place', () => {
    const fewer = graphOf(
      { ...picture, structure: 99, matches: picture.matches.map((_, at) => (at < 9 ? 1 : 0)) },
      { by: 'identity' },
      [],
      'connections',
    );
    const ghosts = ghostsOf(boxes.members, fewer, layout);
    expect(ghosts).toHaveLength(boxes.members.length - fewer.nodes.length);
    expect(ghosts[0]).toMatchObject(
      layout.card(boxes.members.find(({ name }) => name.endsWith(ghosts[0]!.label))!.key)!,
    );
  });
});

describe('lines', () => {
  const card = (x: number, y: number) => ({ x, y, width: 100, height: 30 });

  test.each([
    ['beside each other', card(0, 0), card(300, 0)],
    ['across', card(0, 0), card(300, 400)],
    ['one column', card(0, 0), card(0, 300)],
    ['itself', card(0, 0), card(0, 0)],
  ])('%s: is found near its ends and its middle, there and back lie apart', (_, a, b) => {
    const curves = new Float32Array(12);
    trace(a, b, curves, 0);
    trace(b, a, curves, 6);
    const middle = (at: number) => [
      curves[at]! / 4 + curves[at + 2]! / 2 + curves[at + 4]! / 4,
      curves[at + 1]! / 4 + curves[at + 3]! / 2 + curves[at + 5]! / 4,
    ];
    const [x, y] = middle(0);
    expect(lineAt(curves, x!, y!, 3)).toBe(0);
    const [backX, backY] = middle(6);
    if (a.x !== b.x || a.y !== b.y) {
      expect(lineAt(curves, backX!, backY!, 3)).toBe(1);
      expect(Math.hypot(x! - backX!, y! - backY!)).toBeGreaterThan(10);
    }
    expect(lineAt(curves, 5000, 5000, 3)).toBe(-1);
  });
});
