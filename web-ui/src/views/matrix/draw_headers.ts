// Draws the names of rows and columns, and the bands that name and collapse their blocks.
import { nameInBlock, type GraphNode } from '../../canvas/graph';
import { lettersOf } from '../../canvas/text';
import type { Axis } from './axis';
import type { Look, Span } from './draw_cells';
import { BAND, blockAt, type Geometry } from './geometry';
import type { Cell, Grid } from './grid';

/** Rows and columns narrower than this have no room for a name; then only every block is named. */
const SMALLEST_NAMED = 11;
const NAME_SIZE = 12;
const BAND_SIZE = 11;

export interface Pointed {
  readonly cursor: Cell | undefined;
  readonly hover: Cell | undefined;
}

/** A band shorter than this has no room for the name of its block; names in it are told in full. */
const SMALLEST_BAND = 48;

function nameOf(node: GraphNode, inBlock: boolean): string {
  const name = inBlock ? nameInBlock(node) : node.name;
  return node.expandable ? `+ ${name} (${node.identities})` : name;
}

/** Whether the band beside a position names its block. */
function isNamed(axis: Axis, position: number, cellSize: number): boolean {
  return axis.blocks[blockAt(axis, position)]!.length * cellSize >= SMALLEST_BAND;
}

export function drawRowHeader(
  context: CanvasRenderingContext2D,
  look: Look,
  geometry: Geometry,
  grid: Grid,
  span: Span,
  scrollY: number,
  pointed: Pointed,
): void {
  const { left, top, cellHeight } = geometry;
  context.fillStyle = look.palette.panel;
  context.fillRect(0, top, left, geometry.rows * cellHeight - scrollY + 1);
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  for (let row = span.firstRow; row <= span.lastRow && cellHeight >= SMALLEST_NAMED; row += 1) {
    const y = top + row * cellHeight - scrollY;
    const marked = row === pointed.hover?.row || row === pointed.cursor?.row;
    const node = grid.graph.nodes[grid.rows.nodes[row]!]!;
    const name = nameOf(node, isNamed(grid.rows, row, cellHeight));
    drawName(context, look, name, left - 8, y + cellHeight / 2, left - BAND - 14, marked);
  }
  drawBands(context, look, grid.rows, span.firstRow, span.lastRow, (start, length, name) => {
    const from = Math.max(top + start * cellHeight - scrollY, top);
    const to = top + (start + length) * cellHeight - scrollY;
    band(context, look, 0, from, BAND, to - from, name, true);
    line(context, look, 0, to, left, to);
  });
  line(context, look, left - 0.5, 0, left - 0.5, top + geometry.rows * cellHeight - scrollY);
}

export function drawColumnHeader(
  context: CanvasRenderingContext2D,
  look: Look,
  geometry: Geometry,
  grid: Grid,
  span: Span,
  scrollX: number,
  pointed: Pointed,
): void {
  const { left, top, cellWidth } = geometry;
  context.fillStyle = look.palette.panel;
  context.fillRect(left, 0, geometry.columns * cellWidth - scrollX + 1, top);
  context.textBaseline = 'middle';
  for (let column = span.firstColumn; column <= span.lastColumn && cellWidth >= SMALLEST_NAMED; column += 1) {
    const marked = column === pointed.hover?.column || column === pointed.cursor?.column;
    const node = grid.graph.nodes[grid.columns.nodes[column]!]!;
    const name = nameOf(node, isNamed(grid.columns, column, cellWidth));
    if (geometry.lying) {
      context.textAlign = 'center';
      drawName(context, look, name, left + (column + 0.5) * cellWidth - scrollX, top - 16, cellWidth - 8, marked);
      continue;
    }
    context.textAlign = 'left';
    context.save();
    context.translate(left + (column + 0.5) * cellWidth - scrollX, top - 8);
    context.rotate(-Math.PI / 2);
    const room = top - (grid.columns.blocks[blockAt(grid.columns, column)]!.key === '' ? 0 : BAND) - 14;
    // How many are in it can be read beside the rows; names that differ in their end must not be cut there.
    const fits = look.letters.width(name, NAME_SIZE) <= room;
    drawName(context, look, fits ? name : name.replace(/ \(\d+\)$/, ''), 0, 0, room, marked);
    context.restore();
  }
  drawBands(context, look, grid.columns, span.firstColumn, span.lastColumn, (start, length, name) => {
    const from = Math.max(left + start * cellWidth - scrollX, left);
    const to = left + (start + length) * cellWidth - scrollX;
    band(context, look, from, 0, to - from, BAND, name, false);
    line(context, look, to, 0, to, top);
  });
  line(context, look, 0, top - 0.5, left + geometry.columns * cellWidth - scrollX, top - 0.5);
}

function drawName(
  context: CanvasRenderingContext2D,
  look: Look,
  name: string,
  x: number,
  y: number,
  room: number,
  marked: boolean,
): void {
  const weight = marked ? 700 : 400;
  context.font = `${weight} ${NAME_SIZE}px ${look.font}`;
  context.fillStyle = look.palette.text;
  context.fillText(lettersOf(look.font, weight).fit(name, NAME_SIZE, room), x, y);
}

function drawBands(
  context: CanvasRenderingContext2D,
  look: Look,
  axis: Axis,
  first: number,
  last: number,
  draw: (start: number, length: number, name: string) => void,
): void {
  context.font = `600 ${BAND_SIZE}px ${look.font}`;
  for (const block of axis.blocks) {
    if (block.start > last || block.start + block.length <= first || block.key === '') continue;
    draw(block.start, block.length, `${block.collapsible ? '− ' : ''}${block.name}`);
  }
}

function band(
  context: CanvasRenderingContext2D,
  look: Look,
  x: number,
  y: number,
  width: number,
  height: number,
  name: string,
  upright: boolean,
): void {
  context.fillStyle = look.palette.grid;
  context.fillRect(x, y, width - 1, height - 1);
  context.fillStyle = look.palette.text;
  context.textAlign = 'center';
  const text = lettersOf(look.font, 600).fit(name, BAND_SIZE, (upright ? height : width) - 4);
  if (!upright) {
    context.fillText(text, x + width / 2, y + height / 2);
    return;
  }
  context.save();
  context.translate(x + width / 2, y + height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(text, 0, 0);
  context.restore();
}

function line(
  context: CanvasRenderingContext2D,
  look: Look,
  fromX: number,
  fromY: number,
  toX: number,
  toY: number,
): void {
  context.strokeStyle = look.palette.line;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
