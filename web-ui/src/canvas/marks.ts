// Verdicts as shapes on a canvas: a disc was forwarded, a diamond audited, a cross dropped. Colour only repeats it.
import type { Palette } from './palette';

export type Mark = 'forwarded' | 'audited' | 'dropped';

export const MARK_CHARACTERS: Readonly<Record<Mark, string>> = { forwarded: '●', audited: '◆', dropped: '✕' };
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
  context.beginPath();
  if (mark === 'forwarded') {
    context.fillStyle = colour;
    context.arc(x, y, half, 0, 2 * Math.PI);
    context.fill();
    return;
  }
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
