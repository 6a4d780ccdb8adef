// Verdicts as shapes: a square is allowed, a cross is dropped, a diamond is audited. Colour only repeats it.
import type { Palette } from './palette';

export type Mark = 'forwarded' | 'audited' | 'dropped';

export const MARK_CHARACTERS: Readonly<Record<Mark, string>> = { forwarded: '■', audited: '◆', dropped: '✕' };
export const MARK_WORDS: Readonly<Record<Mark, string>> = {
  forwarded: 'allowed',
  audited: 'audited',
  dropped: 'dropped',
};

/** Draws a shape around (x, y) that is `size` wide. */
export function drawMark(
  context: CanvasRenderingContext2D,
  palette: Palette,
  mark: Mark,
  x: number,
  y: number,
  size: number,
  colour: string = palette[mark],
): void {
  const half = size / 2;
  if (mark === 'forwarded') {
    context.fillStyle = colour;
    context.fillRect(x - half, y - half, size, size);
    return;
  }
  context.beginPath();
  if (mark === 'audited') {
    context.fillStyle = colour;
    context.moveTo(x, y - half);
    context.lineTo(x + half, y);
    context.lineTo(x, y + half);
    context.lineTo(x - half, y);
    context.fill();
    return;
  }
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1.5, size / 5);
  context.moveTo(x - half, y - half);
  context.lineTo(x + half, y + half);
  context.moveTo(x + half, y - half);
  context.lineTo(x - half, y + half);
  context.stroke();
}
