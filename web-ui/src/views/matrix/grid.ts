// Which edge is in which cell.
import { totalOf, type Graph } from '../../canvas/graph';
import { buildAxis, type Axis } from './axis';

export interface Grid {
  readonly graph: Graph;
  readonly rows: Axis;
  readonly columns: Axis;
  /** Row after row: the edge in the cell, or -1. */
  readonly edges: Int32Array;
  /** The most that one edge carries. */
  readonly largest: number;
}

/** Order and cells depend on who is there only; graphs of the same shape share the list of sources. */
const shapes = new WeakMap<Uint32Array, Pick<Grid, 'rows' | 'columns' | 'edges'>>();

function shapeOf(graph: Graph): Pick<Grid, 'rows' | 'columns' | 'edges'> {
  const known = shapes.get(graph.source);
  if (known) return known;
  const rows = buildAxis(graph, 'source');
  const columns = buildAxis(graph, 'destination');
  const edges = new Int32Array(rows.nodes.length * columns.nodes.length).fill(-1);
  for (let edge = 0; edge < graph.source.length; edge += 1) {
    const row = rows.positions[graph.source[edge]!]!;
    const column = columns.positions[graph.destination[edge]!]!;
    if (row >= 0 && column >= 0) edges[row * columns.nodes.length + column] = edge;
  }
  const shape = { rows, columns, edges };
  shapes.set(graph.source, shape);
  return shape;
}

export function buildGrid(graph: Graph): Grid {
  let largest = 0;
  for (let edge = 0; edge < graph.source.length; edge += 1) {
    largest = Math.max(largest, totalOf(graph, edge));
  }
  return { graph, ...shapeOf(graph), largest };
}

export function edgeAt(grid: Grid, row: number, column: number): number {
  const inside = row >= 0 && column >= 0 && row < grid.rows.nodes.length && column < grid.columns.nodes.length;
  return inside ? grid.edges[row * grid.columns.nodes.length + column]! : -1;
}

export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** The next cell with an edge in a direction, in the same row or column; the neighbour if there is none. */
export function nextCell(grid: Grid, from: Cell, down: number, right: number): Cell {
  const rows = grid.rows.nodes.length;
  const columns = grid.columns.nodes.length;
  for (let step = 1; step < Math.max(rows, columns); step += 1) {
    const row = from.row + down * step;
    const column = from.column + right * step;
    if (row < 0 || column < 0 || row >= rows || column >= columns) {
      break;
    }
    if (edgeAt(grid, row, column) >= 0) {
      return { row, column };
    }
  }
  return {
    row: Math.min(Math.max(from.row + down, 0), rows - 1),
    column: Math.min(Math.max(from.column + right, 0), columns - 1),
  };
}

/** Where the ends of a cell are in a newer grid. */
export function followCell(before: Grid, now: Grid, cell: Cell): Cell | undefined {
  if (before.graph.nodes === now.graph.nodes) return cell;
  const source = before.graph.nodes[before.rows.nodes[cell.row]!]!.key;
  const destination = before.graph.nodes[before.columns.nodes[cell.column]!]!.key;
  return findCell(now, source, destination);
}

/** The cell between two nodes, by their keys. */
export function findCell(grid: Grid, source: string, destination: string): Cell | undefined {
  const row = grid.rows.nodes.findIndex((node) => grid.graph.nodes[node]!.key === source);
  const column = grid.columns.nodes.findIndex((node) => grid.graph.nodes[node]!.key === destination);
  return row >= 0 && column >= 0 ? { row, column } : undefined;
}
