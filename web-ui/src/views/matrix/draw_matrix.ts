// Draws the matrix: cells first, then the headers that stay when cells scroll under them.
import { clamp } from '../../canvas/viewport';
import { drawCells, type Look, type Span } from './draw_cells';
import { drawColumnHeader, drawRowHeader, type Pointed } from './draw_headers';
import type { Geometry } from './geometry';
import type { Cell, Grid } from './grid';

export interface Scroll {
  readonly x: number;
  readonly y: number;
}

export function spanOf(geometry: Geometry, width: number, height: number, scroll: Scroll): Span {
  const first = (offset: number, size: number) => Math.max(0, Math.floor(offset / size));
  const last = (offset: number, room: number, size: number, count: number) =>
    clamp(Math.ceil((offset + room) / size) - 1, -1, count - 1);
  return {
    firstRow: first(scroll.y, geometry.cellHeight),
    lastRow: last(scroll.y, height - geometry.top, geometry.cellHeight, geometry.rows),
    firstColumn: first(scroll.x, geometry.cellWidth),
    lastColumn: last(scroll.x, width - geometry.left, geometry.cellWidth, geometry.columns),
  };
}

export function drawMatrix(
  context: CanvasRenderingContext2D,
  look: Look,
  geometry: Geometry,
  grid: Grid,
  width: number,
  height: number,
  scroll: Scroll,
  pointed: Pointed,
): void {
  const { palette } = look;
  context.fillStyle = palette.background;
  context.fillRect(0, 0, width, height);
  const span = spanOf(geometry, width, height, scroll);
  context.save();
  context.beginPath();
  context.rect(geometry.left, geometry.top, width - geometry.left, height - geometry.top);
  context.clip();
  drawLines(context, look, geometry, grid, span, scroll);
  drawCells(context, look, geometry, grid, span, scroll);
  outline(context, geometry, scroll, pointed.hover, palette.faint, 1);
  outline(context, geometry, scroll, pointed.cursor, palette.cursor, 2);
  context.restore();

  context.save();
  context.beginPath();
  context.rect(0, geometry.top, geometry.left, height - geometry.top);
  context.clip();
  drawRowHeader(context, look, geometry, grid, span, scroll.y, pointed);
  context.restore();

  context.save();
  context.beginPath();
  context.rect(geometry.left, 0, width - geometry.left, geometry.top);
  context.clip();
  drawColumnHeader(context, look, geometry, grid, span, scroll.x, pointed);
  context.restore();
  drawCorner(context, look, geometry);
}

/** Lines of every cell while cells are large, of blocks always. */
function drawLines(
  context: CanvasRenderingContext2D,
  look: Look,
  geometry: Geometry,
  grid: Grid,
  span: Span,
  scroll: Scroll,
): void {
  const { left, top, cellWidth, cellHeight } = geometry;
  const right = left + geometry.columns * cellWidth - scroll.x;
  const bottom = top + geometry.rows * cellHeight - scroll.y;
  context.lineWidth = 1;
  if (Math.min(cellWidth, cellHeight) >= 8) {
    context.strokeStyle = look.palette.grid;
    context.beginPath();
    for (let row = span.firstRow; row <= span.lastRow + 1; row += 1) {
      const y = Math.round(top + row * cellHeight - scroll.y) + 0.5;
      context.moveTo(left, y);
      context.lineTo(right, y);
    }
    for (let column = span.firstColumn; column <= span.lastColumn + 1; column += 1) {
      const x = Math.round(left + column * cellWidth - scroll.x) + 0.5;
      context.moveTo(x, top);
      context.lineTo(x, bottom);
    }
    context.stroke();
  }
  context.strokeStyle = look.palette.line;
  context.beginPath();
  for (const block of grid.rows.blocks) {
    const y = Math.round(top + (block.start + block.length) * cellHeight - scroll.y) + 0.5;
    context.moveTo(left, y);
    context.lineTo(right, y);
  }
  for (const block of grid.columns.blocks) {
    const x = Math.round(left + (block.start + block.length) * cellWidth - scroll.x) + 0.5;
    context.moveTo(x, top);
    context.lineTo(x, bottom);
  }
  context.stroke();
}

function outline(
  context: CanvasRenderingContext2D,
  geometry: Geometry,
  scroll: Scroll,
  cell: Cell | undefined,
  colour: string,
  width: number,
): void {
  if (!cell) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(
    geometry.left + cell.column * geometry.cellWidth - scroll.x + 0.5,
    geometry.top + cell.row * geometry.cellHeight - scroll.y + 0.5,
    geometry.cellWidth - 1,
    geometry.cellHeight - 1,
  );
}

function drawCorner(context: CanvasRenderingContext2D, look: Look, geometry: Geometry): void {
  const { left, top } = geometry;
  context.fillStyle = look.palette.panel;
  context.fillRect(0, 0, left - 1, top - 1);
  context.font = `12px ${look.font}`;
  context.fillStyle = look.palette.faint;
  context.textBaseline = 'alphabetic';
  context.textAlign = 'left';
  context.fillText('from ↓', 10, top - 10);
  context.textAlign = 'right';
  context.fillText('to →', left - 10, geometry.lying ? top - 12 : 22);
}
