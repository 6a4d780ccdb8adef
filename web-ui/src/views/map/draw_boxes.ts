// Draws boxes and cards of the map; from far away cards are patches of colour, and only boxes have names.
import { drawMark } from '../../canvas/marks';
import { dropStep, mix, type Palette } from '../../canvas/palette';
import { lettersOf, type Letters } from '../../canvas/text';
import { overlap, type Rectangle } from '../../canvas/viewport';
import type { Piece } from './layout';
import type { Card, Ghost } from './scene';

/** Below this zoom names of cards cannot be read. */
const NAMED_SCALE = 0.5;
const CARD_SIZE = 12.5;

export function drawBoxes(
  context: CanvasRenderingContext2D,
  palette: Palette,
  pieces: readonly Piece[],
  sight: Rectangle,
  scale: number,
): void {
  context.fillStyle = palette.panel;
  context.strokeStyle = palette.line;
  context.lineWidth = 1 / scale;
  for (const piece of pieces) {
    if (!overlap(piece, sight)) continue;
    context.fillRect(piece.x, piece.y, piece.width, piece.height);
    context.strokeRect(piece.x, piece.y, piece.width, piece.height);
  }
}

export function drawBoxNames(
  context: CanvasRenderingContext2D,
  palette: Palette,
  font: string,
  pieces: readonly Piece[],
  names: ReadonlyMap<string, string>,
  sight: Rectangle,
  scale: number,
): void {
  // Never smaller than 11 pixels on the screen: from far away the name covers cards, which have none then.
  const size = Math.max(14, 11 / scale);
  const letters = lettersOf(font, 600);
  context.font = `600 ${size}px ${font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (const piece of pieces) {
    if (!overlap(piece, sight)) continue;
    const name = names.get(piece.box) ?? piece.box;
    const text = letters.fit(piece.part === 0 ? name : `${name} (continued)`, size, piece.width - 16);
    const middle = piece.y + Math.max(16, size * 0.75);
    if (size > 16) {
      context.globalAlpha = 0.8;
      context.fillStyle = palette.panel;
      context.fillRect(piece.x + 4, middle - size * 0.6, letters.width(text, size) + 12, size * 1.2);
      context.globalAlpha = 1;
    }
    context.fillStyle = palette.text;
    context.fillText(text, piece.x + 10, middle);
  }
}

export interface Emphasis {
  /** Nodes that stand out; if there are any, all others step back. */
  readonly near: ReadonlySet<number>;
  readonly selected: number;
  readonly hovered: number;
  readonly cursor: number;
}

export function drawCards(
  context: CanvasRenderingContext2D,
  palette: Palette,
  font: string,
  cards: readonly Card[],
  emphasis: Emphasis,
  sight: Rectangle,
  scale: number,
): void {
  const named = scale >= NAMED_SCALE;
  const letters = lettersOf(font, 400);
  context.font = `${CARD_SIZE}px ${font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  for (const card of cards) {
    if (!overlap(card, sight)) continue;
    const away = emphasis.near.size > 0 && !emphasis.near.has(card.node);
    if (named) drawCard(context, palette, letters, card, away);
    else drawPatch(context, palette, card, away);
    if (card.node === emphasis.selected) frame(context, card, palette.selected, 3 / scale);
    else if (card.node === emphasis.hovered) frame(context, card, palette.faint, 2 / scale);
    if (card.node === emphasis.cursor) frame(context, card, palette.cursor, 2 / scale, 3 / scale);
  }
}

export function drawGhosts(
  context: CanvasRenderingContext2D,
  palette: Palette,
  font: string,
  ghosts: readonly Ghost[],
  sight: Rectangle,
  scale: number,
): void {
  const letters = lettersOf(font, 400);
  context.font = `${CARD_SIZE}px ${font}`;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.strokeStyle = palette.line;
  context.lineWidth = 1 / Math.min(scale, 1);
  context.fillStyle = mix(palette.panel, palette.faint, 0.55);
  for (const ghost of ghosts) {
    if (!overlap(ghost, sight)) continue;
    context.strokeRect(ghost.x, ghost.y, ghost.width, ghost.height);
    if (scale < NAMED_SCALE) continue;
    context.fillText(
      letters.fit(ghost.label, CARD_SIZE, ghost.width - 20),
      ghost.x + 12,
      ghost.y + ghost.height / 2 + 0.5,
    );
  }
}

function stateColour(palette: Palette, card: Card): string {
  const step = dropStep(card.share);
  if (step > 0) return palette.dropScale[step - 1]!;
  if (card.audited) return palette.audited;
  return card.rate > 0 ? palette.forwarded : palette.line;
}

function drawCard(
  context: CanvasRenderingContext2D,
  palette: Palette,
  letters: Letters,
  card: Card,
  away: boolean,
): void {
  const faded = away || card.rate === 0;
  // Drawn over edges, a card is always opaque: fading is done in its colours.
  context.fillStyle = card.rate === 0 ? palette.panel : palette.card;
  context.fillRect(card.x, card.y, card.width, card.height);
  context.fillStyle = away ? mix(palette.card, stateColour(palette, card), 0.45) : stateColour(palette, card);
  context.fillRect(card.x, card.y, 5, card.height);
  context.fillStyle = faded ? palette.faint : palette.text;
  const middle = card.y + card.height / 2;
  const troubled = card.share > 0 || card.audited;
  context.fillText(letters.fit(card.label, CARD_SIZE, card.width - (troubled ? 36 : 20)), card.x + 12, middle + 0.5);
  if (troubled) {
    drawMark(context, palette, card.share > 0 ? 'dropped' : 'audited', card.x + card.width - 13, middle, 9);
  }
  context.strokeStyle = palette.line;
  context.lineWidth = 1;
  context.strokeRect(card.x, card.y, card.width, card.height);
}

function drawPatch(context: CanvasRenderingContext2D, palette: Palette, card: Card, away: boolean): void {
  const strength = away ? 0.25 : card.rate === 0 ? 0.6 : 0.85;
  context.fillStyle = mix(palette.card, stateColour(palette, card), strength);
  context.fillRect(card.x, card.y, card.width, card.height);
  if (card.share > 0) {
    drawMark(context, palette, 'dropped', card.x + card.width / 2, card.y + card.height / 2, 18, palette.text);
  }
}

function frame(context: CanvasRenderingContext2D, card: Card, colour: string, width: number, outside = 0): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(card.x - outside, card.y - outside, card.width + 2 * outside, card.height + 2 * outside);
}
