// Where boxes and cards of the map are. A place is given once and kept: nothing jumps when something new appears.
import { bounds, clamp, type Rectangle } from '../../canvas/viewport';
import { Skyline } from './skyline';

export const CARD = { width: 152, height: 32 };
/** Wide enough that an edge between two cards of one column is seen beside those between them. */
const GAP = { x: 30, y: 14 };
const HEADER = 36;
const PADDING = 18;
const BOX_GAP = 28;

/** What the map shows: boxes, and in them cards, by keys. */
export interface Member {
  readonly key: string;
  readonly box: string;
}

/** A part of a box: the first, or one that was added when the first was full. */
export interface Piece extends Rectangle {
  readonly box: string;
  /** Counted from 0. */
  readonly part: number;
  readonly columns: number;
  readonly places: number;
  taken: number;
}

export class MapLayout {
  readonly pieces: Piece[] = [];
  private readonly cards = new Map<string, Rectangle>();
  private skyline: Skyline | undefined;

  constructor(private readonly aspect: number) {}

  /** Gives places to members that have none; tells whether there were any. Members come in the order of their names. */
  place(members: readonly Member[]): boolean {
    const fresh = new Map<string, string[]>();
    for (const { key, box } of members) {
      if (this.cards.has(key)) continue;
      const keys = fresh.get(box);
      if (keys) keys.push(key);
      else fresh.set(box, [key]);
    }
    if (fresh.size === 0) return false;
    for (const [box, keys] of fresh) {
      fresh.set(box, this.fillPieces(box, keys));
    }
    const sizes = [...fresh]
      .filter(([, keys]) => keys.length > 0)
      .map(([box, keys]) => ({ box, keys, ...sizeOf(keys, this.aspect) }));
    // Large boxes first leave fewer holes; among equals the order of names is kept.
    sizes.sort((a, b) => b.height - a.height || b.width - a.width);
    const skyline = (this.skyline ??= new Skyline(stripWidth(sizes, this.aspect)));
    for (const { box, keys, columns, places, width, height } of sizes) {
      const { x, y } = skyline.place(width + BOX_GAP, height + BOX_GAP);
      const part = this.pieces.filter((piece) => piece.box === box).length;
      this.pieces.push({ box, part, columns, places, x, y, width, height, taken: 0 });
      this.fillPieces(box, keys);
    }
    return true;
  }

  card(key: string): Rectangle | undefined {
    return this.cards.get(key);
  }

  get world(): Rectangle {
    return bounds(this.pieces);
  }

  /** Puts keys into free places of a box and answers with those that found none. */
  private fillPieces(box: string, keys: string[]): string[] {
    let next = 0;
    for (const piece of this.pieces) {
      while (piece.box === box && piece.taken < piece.places && next < keys.length) {
        this.cards.set(keys[next]!, placeIn(piece, piece.taken));
        piece.taken += 1;
        next += 1;
      }
    }
    return keys.slice(next);
  }
}

function placeIn(piece: Piece, index: number): Rectangle {
  return {
    x: piece.x + PADDING + (index % piece.columns) * (CARD.width + GAP.x),
    y: piece.y + HEADER + Math.floor(index / piece.columns) * (CARD.height + GAP.y),
    ...CARD,
  };
}

/** A box for so many cards, about of the shape of the screen, with room for a few more. */
function sizeOf(
  keys: readonly string[],
  aspect: number,
): { columns: number; places: number; width: number; height: number } {
  const wanted = keys.length + Math.ceil(keys.length / 8);
  const columns = Math.max(
    1,
    Math.round(Math.sqrt((wanted * clamp(aspect * 1.25, 0.9, 2) * (CARD.height + GAP.y)) / (CARD.width + GAP.x))),
  );
  const rows = Math.ceil(wanted / columns);
  return {
    columns,
    places: columns * rows,
    width: 2 * PADDING + columns * (CARD.width + GAP.x) - GAP.x,
    height: HEADER + PADDING + rows * (CARD.height + GAP.y) - GAP.y,
  };
}

/** The width of the strip at which all boxes together have most nearly the shape of the screen. */
function stripWidth(sizes: readonly { width: number; height: number }[], aspect: number): number {
  const widest = Math.max(...sizes.map((size) => size.width + BOX_GAP));
  const area = sizes.reduce((sum, size) => sum + (size.width + BOX_GAP) * (size.height + BOX_GAP), 0);
  let best = { width: widest, worth: -1 };
  for (let factor = 0.7; factor <= 1.8; factor += 0.1) {
    const width = Math.max(widest, Math.sqrt(area * aspect) * factor);
    const skyline = new Skyline(width);
    const world = bounds(
      sizes.map((size) => ({ ...size, ...skyline.place(size.width + BOX_GAP, size.height + BOX_GAP) })),
    );
    // The larger it can be shown, the better.
    const worth = Math.min(aspect / world.width, 1 / world.height);
    if (worth > best.worth) best = { width, worth };
  }
  return best.width;
}
