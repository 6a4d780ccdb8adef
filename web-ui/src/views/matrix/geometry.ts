// Sizes of the matrix on the screen, and what lies under a point of it.
import { clamp } from '../../canvas/viewport';
import type { Axis } from './axis';
import type { Cell, Grid } from './grid';

export interface Geometry {
  /** Width of the names of rows, height of the names of columns, both with the band of blocks. */
  readonly left: number;
  readonly top: number;
  readonly cellWidth: number;
  readonly cellHeight: number;
  readonly rows: number;
  readonly columns: number;
  /** Columns are wide enough for names that lie. */
  readonly lying: boolean;
}

/** The strip beside the names in which blocks are named, expanded and collapsed. */
export const BAND = 20;

const SMALLEST_CELL = 3;
const LARGEST_WIDTH = 140;
const LYING_WIDTH = 110;
const LARGEST_HEIGHT = 56;

/** Cells as large as the screen has room for, at zoom 1 never too small to see their shape. */
export function measure(width: number, height: number, grid: Grid, zoom: number): Geometry {
  const rows = grid.rows.nodes.length;
  const columns = grid.columns.nodes.length;
  const left = clamp(width * 0.28, 96, 230);
  const lying = (width - left) / Math.max(columns, 1) >= LYING_WIDTH && zoom >= 1;
  const top = lying ? BAND + 34 : clamp(height * 0.24, 84, 150);
  const roomWidth = (width - left - 2) / Math.max(columns, 1);
  const roomHeight = (height - top - 2) / Math.max(rows, 1);
  return {
    left,
    top,
    rows,
    columns,
    lying,
    cellWidth: clamp(clamp(roomWidth, 16, LARGEST_WIDTH) * zoom, SMALLEST_CELL, 2 * LARGEST_WIDTH),
    cellHeight: clamp(clamp(roomHeight, 16, LARGEST_HEIGHT) * zoom, SMALLEST_CELL, 2 * LARGEST_HEIGHT),
  };
}

/** The zoom at which all cells are on the screen, if they can be. */
export function fitZoom(width: number, height: number, grid: Grid): number {
  const { left, top, cellWidth, cellHeight, rows, columns } = measure(width, height, grid, 1);
  const fits = Math.min(
    (width - left) / Math.max(columns * cellWidth, 1),
    (height - top) / Math.max(rows * cellHeight, 1),
  );
  return clamp(fits, SMALLEST_CELL / Math.min(cellWidth, cellHeight), 1);
}

export function extent(geometry: Geometry): { width: number; height: number } {
  return {
    width: geometry.left + geometry.columns * geometry.cellWidth + 2,
    height: geometry.top + geometry.rows * geometry.cellHeight + 2,
  };
}

export type Spot =
  | ({ readonly kind: 'cell' } & Cell)
  | { readonly kind: 'row'; readonly row: number }
  | { readonly kind: 'column'; readonly column: number }
  | { readonly kind: 'block'; readonly side: 'rows' | 'columns'; readonly block: number }
  | { readonly kind: 'nothing' };

const NOTHING: Spot = { kind: 'nothing' };

/** What is at a point of the canvas when the cells are scrolled by (scrollX, scrollY). */
export function spotAt(geometry: Geometry, grid: Grid, x: number, y: number, scrollX: number, scrollY: number): Spot {
  const column = Math.floor((x - geometry.left + scrollX) / geometry.cellWidth);
  const row = Math.floor((y - geometry.top + scrollY) / geometry.cellHeight);
  const inRows = row >= 0 && row < geometry.rows;
  const inColumns = column >= 0 && column < geometry.columns;
  if (x >= geometry.left && y >= geometry.top) {
    return inRows && inColumns ? { kind: 'cell', row, column } : NOTHING;
  }
  if (y >= geometry.top && inRows) {
    return x < BAND ? { kind: 'block', side: 'rows', block: blockAt(grid.rows, row) } : { kind: 'row', row };
  }
  if (x >= geometry.left && inColumns) {
    return y < BAND
      ? { kind: 'block', side: 'columns', block: blockAt(grid.columns, column) }
      : { kind: 'column', column };
  }
  return NOTHING;
}

export function blockAt(axis: Axis, position: number): number {
  let least = 0;
  let most = axis.blocks.length - 1;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (axis.blocks[middle]!.start <= position) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

/** How far to scroll so that a cell is wholly beside the headers. */
export function scrollToCell(
  geometry: Geometry,
  cell: Cell,
  view: { width: number; height: number; scrollX: number; scrollY: number },
): { x: number; y: number } {
  const reach = (position: number, size: number, room: number, scroll: number) =>
    clamp(scroll, (position + 1) * size - room, position * size);
  return {
    x: Math.max(0, reach(cell.column, geometry.cellWidth, view.width - geometry.left, view.scrollX)),
    y: Math.max(0, reach(cell.row, geometry.cellHeight, view.height - geometry.top, view.scrollY)),
  };
}
