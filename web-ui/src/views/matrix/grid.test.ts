// Order, cells, hits and the way of the cursor, on small graphs that are written out.
import { expect, test } from 'vitest';
import { EMPTY_GRAPH, type Graph, type GraphNode } from '../../canvas/graph';
import { extent, fitZoom, measure, scrollToCell, spotAt, type Spot } from './geometry';
import { buildGrid, edgeAt, findCell, followCell, nextCell } from './grid';

function node(name: string, block = ''): GraphNode {
  return {
    key: `k:${name}`,
    name,
    order: block,
    block,
    blockName: block,
    expandable: false,
    collapsible: block !== '',
    identities: 1,
  };
}

function graph(nodes: GraphNode[], edges: [source: string, destination: string, forwarded: number][]): Graph {
  const at = (name: string) => nodes.findIndex((one) => one.name === name);
  return {
    nodes,
    source: Uint32Array.from(edges, ([from]) => at(from)),
    destination: Uint32Array.from(edges, ([, to]) => at(to)),
    forwarded: Float64Array.from(edges, ([, , rate]) => rate),
    audited: new Float64Array(edges.length),
    dropped: new Float64Array(edges.length),
  };
}

const small = graph(
  [node('b10', 'x'), node('b2', 'x'), node('a', 'y'), node('idle', 'z')],
  [
    ['b10', 'a', 1],
    ['b2', 'a', 5],
    ['b2', 'b10', 2],
    ['a', 'a', 3],
  ],
);

test('rows are those who send, in the order of blocks and names', () => {
  const grid = buildGrid(small);
  const names = (nodes: Uint32Array) => [...nodes].map((index) => small.nodes[index]!.name);
  expect(names(grid.rows.nodes)).toEqual(['b2', 'b10', 'a']);
  expect(names(grid.columns.nodes)).toEqual(['b10', 'a']);
  expect(grid.rows.blocks.map(({ name, start, length }) => [name, start, length])).toEqual([
    ['x', 0, 2],
    ['y', 2, 1],
  ]);
  expect(grid.largest).toBe(5);
  expect([...grid.edges]).toEqual([2, 1, -1, 0, -1, 3]);
});

test('nothing is nothing', () => {
  const grid = buildGrid(EMPTY_GRAPH);
  expect(grid.edges).toHaveLength(0);
  expect(edgeAt(grid, 0, 0)).toBe(-1);
  const geometry = measure(800, 600, grid, 1);
  expect(spotAt(geometry, grid, 400, 300, 0, 0)).toEqual({ kind: 'nothing' });
});

test.each<[number, number, number, number]>([
  [0, 0, 1, 0],
  [0, 1, 1, 0],
  [2, 1, 0, 1],
  [1, 1, 0, -1],
])('the cursor at (%d, %d) goes (%d, %d) and stays inside', (row, column, down, right) => {
  const grid = buildGrid(small);
  const next = nextCell(grid, { row, column }, down, right);
  expect(edgeAt(grid, next.row, next.column)).toBeGreaterThanOrEqual(-1);
  expect(next.row).toBeLessThan(3);
  expect(next.column).toBeLessThan(2);
  expect(next.row).toBeGreaterThanOrEqual(0);
  expect(next.column).toBeGreaterThanOrEqual(0);
});

test('the cursor jumps over empty cells to the next edge', () => {
  const wide = buildGrid(
    graph(
      [node('a'), node('b'), node('c'), node('d')],
      [
        ['a', 'a', 1],
        ['b', 'b', 1],
        ['b', 'c', 1],
        ['a', 'd', 1],
      ],
    ),
  );
  expect(nextCell(wide, { row: 0, column: 0 }, 0, 1)).toEqual({ row: 0, column: 3 });
});

test('the cursor follows its ends into another grid', () => {
  const before = buildGrid(small);
  const nodes = [node('aa', 'a'), ...small.nodes];
  const now = buildGrid(
    graph(nodes, [
      ['aa', 'aa', 1],
      ['b2', 'a', 1],
    ]),
  );
  const cell = findCell(before, 'k:b2', 'k:a')!;
  expect(followCell(before, now, cell)).toEqual(findCell(now, 'k:b2', 'k:a'));
  expect(followCell(before, now, findCell(before, 'k:a', 'k:a')!)).toBeUndefined();
});

test.each<[number, number, number, number, Spot]>([
  [0, 0, 0, 0, { kind: 'nothing' }],
  [231, 151, 0, 0, { kind: 'cell', row: 0, column: 0 }],
  [231, 151, 104, 52, { kind: 'cell', row: 1, column: 1 }],
  [100, 151, 0, 104, { kind: 'row', row: 2 }],
  [300, 60, 104, 0, { kind: 'column', column: 1 }],
  [5, 151, 0, 104, { kind: 'block', side: 'rows', block: 1 }],
  [231, 5, 0, 0, { kind: 'block', side: 'columns', block: 0 }],
  [900, 151, 0, 0, { kind: 'nothing' }],
])('at (%d, %d) scrolled (%d, %d) is %o', (x, y, scrollX, scrollY, spot) => {
  const grid = buildGrid(small);
  const geometry = { left: 230, top: 150, cellWidth: 104, cellHeight: 52, rows: 3, columns: 2, lying: false };
  expect(spotAt(geometry, grid, x, y, scrollX, scrollY)).toEqual(spot);
});

test('a fitted matrix is on the screen', () => {
  const names = Array.from({ length: 120 }, (_, index) => node(`n${index}`));
  const grid = buildGrid(
    graph(
      names,
      names.map(({ name }) => [name, name, 1]),
    ),
  );
  const size = extent(measure(1200, 800, grid, fitZoom(1200, 800, grid)));
  expect(size.width).toBeLessThanOrEqual(1203);
  expect(size.height).toBeLessThanOrEqual(803);
});

test('scrolling to a cell shows it beside the headers', () => {
  const geometry = { left: 100, top: 50, cellWidth: 20, cellHeight: 10, rows: 100, columns: 100, lying: false };
  const view = { width: 300, height: 250, scrollX: 0, scrollY: 0 };
  expect(scrollToCell(geometry, { row: 0, column: 0 }, view)).toEqual({ x: 0, y: 0 });
  expect(scrollToCell(geometry, { row: 50, column: 50 }, view)).toEqual({ x: 820, y: 310 });
  expect(scrollToCell(geometry, { row: 1, column: 1 }, { ...view, scrollX: 500, scrollY: 500 })).toEqual({
    x: 20,
    y: 10,
  });
});
