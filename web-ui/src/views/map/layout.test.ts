// Places are kept, none is given twice, and the whole has the shape of the screen.
import { expect, test } from 'vitest';
import { overlap } from '../../canvas/viewport';
import { MapLayout, type Member } from './layout';

function members(boxes: number, cards: number, prefix = ''): Member[] {
  return Array.from({ length: boxes * cards }, (_, index) => ({
    key: `${prefix}${Math.floor(index / boxes)}-${index % boxes}`,
    box: `box${index % boxes}`,
  }));
}

function expectApart(layout: MapLayout, all: readonly Member[]): void {
  const clashes = layout.pieces.filter((piece, index) =>
    layout.pieces.some((other, at) => at > index && overlap(piece, other)),
  );
  expect(clashes).toEqual([]);
  const cards = all.map(({ key, box }) => ({ box, card: layout.card(key)! }));
  expect(new Set(cards.map(({ card }) => `${card.x} ${card.y}`)).size).toBe(all.length);
  const strays = cards.filter(
    ({ box, card }) =>
      !layout.pieces.some(
        (piece) =>
          piece.box === box &&
          piece.x <= card.x &&
          piece.y <= card.y &&
          card.x + card.width <= piece.x + piece.width &&
          card.y + card.height <= piece.y + piece.height,
      ),
  );
  expect(strays).toEqual([]);
}

test.each([
  [1, 1, 1.6],
  [8, 25, 1.6],
  [8, 25, 0.5],
  [40, 25, 1.6],
  [300, 1, 1.6],
  [3, 400, 2],
])('%d boxes of %d cards on a screen of %d', (boxes, cards, aspect) => {
  const layout = new MapLayout(aspect);
  const all = members(boxes, cards);
  expect(layout.place(all)).toBe(true);
  expect(layout.place(all)).toBe(false);
  expectApart(layout, all);
  const { width, height } = layout.world;
  if (boxes > 4) {
    expect(width / height / aspect).toBeGreaterThan(0.6);
    expect(width / height / aspect).toBeLessThan(1.67);
  }
});

test('what is placed stays, whatever comes', () => {
  const layout = new MapLayout(1.6);
  let all = members(6, 4);
  layout.place(all);
  const before = new Map(all.map(({ key }) => [key, layout.card(key)]));
  for (let round = 0; round < 30; round += 1) {
    all = [...members(6 + round, 1, `late${round}-`), ...all];
    layout.place(all);
  }
  for (const [key, card] of before) expect(layout.card(key)).toEqual(card);
  expectApart(layout, all);
});

test('a full box goes on in another piece', () => {
  const layout = new MapLayout(1.6);
  for (const key of ['a', 'b', 'c']) layout.place([{ key, box: 'x' }]);
  expect(layout.pieces.map(({ box, part }) => [box, part])).toEqual([
    ['x', 0],
    ['x', 1],
  ]);
});
