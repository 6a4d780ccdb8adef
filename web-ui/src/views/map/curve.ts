// The line of an edge: from the border of one card to that of the other, bent so that there and back lie apart.
import type { Rectangle } from '../../canvas/viewport';

const MOST_BEND = 70;

/** Writes from, bend and to (x and y of each) at `offset`. */
export function trace(source: Rectangle, destination: Rectangle, curves: Float32Array, offset: number): void {
  const fromX = source.x + source.width / 2;
  const fromY = source.y + source.height / 2;
  const toX = destination.x + destination.width / 2;
  const toY = destination.y + destination.height / 2;
  const length = Math.hypot(toX - fromX, toY - fromY);
  if (length < 1) {
    traceLoop(source, curves, offset);
    return;
  }
  if (Math.abs(toX - fromX) < source.width / 2) {
    traceBeside(source, destination, curves, offset);
    return;
  }
  const bend = Math.min(MOST_BEND, length * 0.16) / length;
  const bendX = (fromX + toX) / 2 - (toY - fromY) * bend;
  const bendY = (fromY + toY) / 2 + (toX - fromX) * bend;
  const from = borderPoint(source, bendX, bendY);
  const to = borderPoint(destination, bendX, bendY);
  curves.set([from.x, from.y, bendX, bendY, to.x, to.y], offset);
}

/** Between cards of one column the straight way lies under others: down on the right of them, up on the left. */
function traceBeside(source: Rectangle, destination: Rectangle, curves: Float32Array, offset: number): void {
  const down = destination.y > source.y;
  const side = (card: Rectangle) => (down ? card.x + card.width : card.x);
  const [fromY, toY] = [source.y + source.height / 2, destination.y + destination.height / 2];
  const out = Math.min(20 + Math.abs(toY - fromY) * 0.1, 40);
  const [fromX, toX] = [side(source), side(destination)];
  const bendX = down ? Math.max(fromX, toX) + out : Math.min(fromX, toX) - out;
  curves.set([fromX, fromY, bendX, (fromY + toY) / 2, toX, toY], offset);
}

/** Traffic of an identity with itself, for example between replicas: a loop at the right end of the card. */
function traceLoop(card: Rectangle, curves: Float32Array, offset: number): void {
  const right = card.x + card.width;
  curves.set([right - 8, card.y, right + 26, card.y + card.height / 2, right - 8, card.y + card.height], offset);
}

/** Where the way from the middle of a rectangle to a point leaves it. */
function borderPoint(rectangle: Rectangle, x: number, y: number): { x: number; y: number } {
  const middleX = rectangle.x + rectangle.width / 2;
  const middleY = rectangle.y + rectangle.height / 2;
  const part = Math.min(
    rectangle.width / 2 / Math.max(Math.abs(x - middleX), 1e-6),
    rectangle.height / 2 / Math.max(Math.abs(y - middleY), 1e-6),
    1,
  );
  return { x: middleX + (x - middleX) * part, y: middleY + (y - middleY) * part };
}

const SAMPLES = 16;

/** The line nearest to a point, if it is within `reach`: its index, else -1. */
export function lineAt(curves: Float32Array, x: number, y: number, reach: number): number {
  let best = -1;
  let least = reach;
  for (let line = 0; line * 6 < curves.length; line += 1) {
    const at = line * 6;
    let beforeX = curves[at]!;
    let beforeY = curves[at + 1]!;
    for (let sample = 1; sample <= SAMPLES; sample += 1) {
      const t = sample / SAMPLES;
      const u = 1 - t;
      const nowX = u * u * curves[at]! + 2 * u * t * curves[at + 2]! + t * t * curves[at + 4]!;
      const nowY = u * u * curves[at + 1]! + 2 * u * t * curves[at + 3]! + t * t * curves[at + 5]!;
      const distance = toSegment(x, y, beforeX, beforeY, nowX, nowY);
      if (distance < least) {
        least = distance;
        best = line;
      }
      beforeX = nowX;
      beforeY = nowY;
    }
  }
  return best;
}

function toSegment(x: number, y: number, fromX: number, fromY: number, toX: number, toY: number): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const square = dx * dx + dy * dy;
  const part = square === 0 ? 0 : Math.min(Math.max(((x - fromX) * dx + (y - fromY) * dy) / square, 0), 1);
  return Math.hypot(x - fromX - dx * part, y - fromY - dy * part);
}
