// The canvas of the matrix in the page: keyboard, hover box, and what is said to screen readers.
import { useEffect, useRef, type Ref } from 'react';
import { useImperativeHandle } from 'react';
import { tellEdge } from '../../canvas/graph';
import { HoverBox } from '../../canvas/hover_box';
import type { Rate } from '../../canvas/rate';
import type { Spot } from './geometry';
import { edgeAt, findCell, type Cell, type Grid } from './grid';
import { MatrixStage } from './matrix_stage';

export interface MatrixHandle {
  zoomBy(factor: number): void;
  fit(): void;
  reset(): void;
}

export interface MatrixCanvasProps {
  readonly grid: Grid;
  readonly rate: Rate;
  /** Keys of the ends of the edge that the panel shows. */
  readonly selected: { readonly source: string; readonly destination: string } | undefined;
  readonly pressed: (spot: Spot) => void;
  readonly handle: Ref<MatrixHandle>;
}

function tellCell(grid: Grid, { row, column }: Cell, rate: Rate): { title: string; lines: string[] } {
  const source = grid.graph.nodes[grid.rows.nodes[row]!]!;
  const destination = grid.graph.nodes[grid.columns.nodes[column]!]!;
  const edge = edgeAt(grid, row, column);
  return {
    title: `${source.name} → ${destination.name}`,
    lines: edge < 0 ? ['no traffic seen'] : tellEdge(grid.graph, edge, rate).split(', '),
  };
}

function tellSpot(grid: Grid, spot: Spot, rate: Rate): { title: string; lines: string[] } | undefined {
  switch (spot.kind) {
    case 'cell':
      return edgeAt(grid, spot.row, spot.column) < 0 ? undefined : tellCell(grid, spot, rate);
    case 'row':
    case 'column': {
      const at = spot.kind === 'row' ? grid.rows.nodes[spot.row]! : grid.columns.nodes[spot.column]!;
      const node = grid.graph.nodes[at]!;
      const what = node.expandable ? `${node.identities} identities; click to show each` : 'click to open in Focus';
      return { title: node.name, lines: [what] };
    }
    case 'block': {
      const block = grid[spot.side].blocks[spot.block]!;
      if (block.key === '') return undefined;
      return { title: block.name, lines: block.collapsible ? ['click to show as one'] : [] };
    }
    case 'nothing':
      return undefined;
  }
}

export function MatrixCanvas({ grid, rate, selected, pressed, handle }: MatrixCanvasProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const world = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const said = useRef<HTMLDivElement>(null);
  const stage = useRef<MatrixStage>(null);
  // What listeners of the stage need of the newest rendering.
  const newest = useRef({ grid, rate, pressed });

  useEffect(() => {
    newest.current = { grid, rate, pressed };
    stage.current?.show(grid, rate);
  }, [grid, rate, pressed]);

  useEffect(() => {
    const hoverBox = new HoverBox(box.current!);
    const made = new MatrixStage(scroller.current!, canvas.current!, world.current!, newest.current.rate, {
      hovered: (spot, x, y) => {
        const told = tellSpot(newest.current.grid, spot, newest.current.rate);
        if (told) hoverBox.show(x, y, told.title, told.lines);
        else hoverBox.hide();
      },
      pressed: (spot) => newest.current.pressed(spot),
      moved: (cell) => {
        const { title, lines } = tellCell(newest.current.grid, cell, newest.current.rate);
        said.current!.textContent = `${title}: ${lines.join(', ')}`;
      },
    });
    stage.current = made;
    made.show(newest.current.grid, newest.current.rate);
    return () => {
      made.dispose();
      stage.current = null;
    };
  }, []);

  const [source, destination] = [selected?.source, selected?.destination];
  useEffect(() => {
    const cell = source && destination ? findCell(newest.current.grid, source, destination) : undefined;
    if (cell) stage.current?.select(cell);
  }, [source, destination]);

  useImperativeHandle(handle, () => ({
    zoomBy: (factor) => stage.current?.zoomBy(factor),
    fit: () => stage.current?.fit(),
    reset: () => stage.current?.reset(),
  }));

  return (
    <div className="canvas-frame">
      <canvas ref={canvas} className="under" />
      <div
        ref={scroller}
        className="scroller"
        tabIndex={0}
        role="application"
        aria-roledescription="matrix"
        aria-label={`Matrix, ${grid.rows.nodes.length} rows by ${grid.columns.nodes.length} columns. Arrow keys move from edge to edge, Enter opens one. “As table” shows the same as a table.`}
      >
        <div ref={world} />
      </div>
      <div ref={box} className="hover-box" aria-hidden hidden />
      <div ref={said} className="said-only" aria-live="polite" />
    </div>
  );
}
