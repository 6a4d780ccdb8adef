// Draws the cells of the matrix: what was forwarded, audited and dropped, by shape, colour and rate.
import { dropShare, totalOf } from '../../canvas/graph';
import { drawMark, type Mark } from '../../canvas/marks';
import { dropStep, mix, RATE_STEPS, rateStep, type Palette } from '../../canvas/palette';
import type { Letters } from '../../canvas/text';
import { shortForms } from './figures';
import type { Geometry } from './geometry';
import type { Grid } from './grid';

export interface Look {
  readonly palette: Palette;
  readonly font: string;
  readonly letters: Letters;
  readonly rate: (perSecond: number) => string;
}

/** The part of the axes that is on the screen. */
export interface Span {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly firstColumn: number;
  readonly lastColumn: number;
}

/** Cells at least this large tell their rates in figures. */
const FIGURES = { width: 58, height: 18 };
const SHAPES = 9;
const FONT_SIZE = 12;
const LINE = 14;

export function drawCells(
  context: CanvasRenderingContext2D,
  look: Look,
  geometry: Geometry,
  grid: Grid,
  span: Span,
  scroll: { x: number; y: number },
): void {
  const { cellWidth, cellHeight } = geometry;
  const small = Math.min(cellWidth, cellHeight) < SHAPES;
  const figures = cellWidth >= FIGURES.width && cellHeight >= FIGURES.height;
  const columns = grid.columns.nodes.length;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.font = `${FONT_SIZE}px ${look.font}`;
  for (let row = span.firstRow; row <= span.lastRow; row += 1) {
    const y = geometry.top + row * cellHeight - scroll.y;
    for (let column = span.firstColumn; column <= span.lastColumn; column += 1) {
      const edge = grid.edges[row * columns + column]!;
      if (edge < 0) {
        continue;
      }
      const x = geometry.left + column * cellWidth - scroll.x;
      if (small) {
        drawSmall(context, look.palette, grid, edge, x, y, cellWidth, cellHeight);
      } else if (figures) {
        drawFigures(context, look, grid, edge, x, y, cellWidth, cellHeight);
      } else {
        drawShapes(context, look.palette, grid, edge, x, y, cellWidth, cellHeight);
      }
    }
  }
}

function fillOf(palette: Palette, grid: Grid, edge: number): string {
  const step = dropStep(dropShare(grid.graph, edge));
  if (step > 0) {
    return palette.dropScale[step - 1]!;
  }
  if (grid.graph.audited[edge]! > 0) {
    return palette.audited;
  }
  const total = totalOf(grid.graph, edge);
  return total > 0 ? palette.forwardedScale[rateStep(total, grid.largest, RATE_STEPS)]! : palette.grid;
}

/** Too small for shapes: a drop is a full cell, audited a tall one, forwarded a flat one. */
function drawSmall(
  context: CanvasRenderingContext2D,
  palette: Palette,
  grid: Grid,
  edge: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.fillStyle = fillOf(palette, grid, edge);
  if (grid.graph.dropped[edge]! > 0) {
    context.fillRect(x, y, width, height);
  } else if (grid.graph.audited[edge]! > 0) {
    context.fillRect(x + width / 4, y, width / 2, height);
  } else {
    context.fillRect(x, y + height / 4, width - 0.5, height / 2);
  }
}

function drawShapes(
  context: CanvasRenderingContext2D,
  palette: Palette,
  grid: Grid,
  edge: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const { graph } = grid;
  const size = Math.min(width, height);
  const middleX = x + width / 2;
  const middleY = y + height / 2;
  const share = dropShare(graph, edge);
  if (share > 0) {
    context.fillStyle = mix(palette.background, palette.dropScale[dropStep(share) - 1]!, 0.3);
    context.fillRect(x + 1, y + 1, width - 2, height - 2);
  }
  if (graph.forwarded[edge]! > 0) {
    const step = rateStep(graph.forwarded[edge]!, grid.largest, RATE_STEPS);
    const side = size * (0.35 + (0.4 * step) / (RATE_STEPS - 1));
    drawMark(context, palette, 'forwarded', middleX, middleY, side, palette.forwardedScale[step]);
  }
  if (graph.audited[edge]! > 0) {
    const alone = graph.forwarded[edge] === 0 && share === 0;
    const side = size * (alone ? 0.6 : 0.4);
    const away = alone ? 0 : size * 0.26;
    drawMark(context, palette, 'audited', middleX + away, middleY - away, side);
  }
  if (share > 0) {
    drawMark(context, palette, 'dropped', middleX, middleY, size * 0.55, palette.dropped);
  }
}

function drawFigures(
  context: CanvasRenderingContext2D,
  look: Look,
  grid: Grid,
  edge: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const { palette } = look;
  const { graph } = grid;
  context.fillStyle = mix(palette.background, fillOf(palette, grid, edge), graph.dropped[edge]! > 0 ? 0.26 : 0.14);
  context.fillRect(x + 1, y + 1, width - 2, height - 2);
  const lines: [Mark, number][] = [];
  for (const mark of ['dropped', 'audited', 'forwarded'] as const) {
    if (graph[mark][edge]! > 0) {
      lines.push([mark, graph[mark][edge]!]);
    }
  }
  if (lines.length === 0) {
    context.fillStyle = palette.faint;
    context.fillText('idle', x + 8, y + height / 2 + 0.5);
  }
  // What does not fit is the least bad, or the figure beside its shape; the box at the pointer and the panel tell all.
  const shown = lines.slice(0, Math.max(1, Math.floor((height - 2) / LINE)));
  let line = y + height / 2 - ((shown.length - 1) * LINE) / 2;
  for (const [mark, rate] of shown) {
    drawMark(context, palette, mark, x + 11, line, 8);
    context.fillStyle = palette.text;
    const form = shortForms(look.rate(rate)).find((text) => look.letters.width(text, FONT_SIZE) <= width - 22);
    if (form) context.fillText(form, x + 20, line + 0.5);
    line += LINE;
  }
}
