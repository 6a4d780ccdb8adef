// The matrix on its canvas: what is drawn, pointed at and scrolled. Outside React, so that nothing renders but pixels.
import { readPalette, watchPalette } from '../../canvas/palette';
import { Surface } from '../../canvas/surface';
import { lettersOf } from '../../canvas/text';
import { clamp } from '../../canvas/viewport';
import type { Look } from './draw_cells';
import { drawMatrix } from './draw_matrix';
import { extent, fitZoom, measure, scrollToCell, spotAt, type Geometry, type Spot } from './geometry';
import { followCell, nextCell, type Cell, type Grid } from './grid';

export interface MatrixListener {
  /** The mouse is over something; x and y are of the canvas. */
  hovered(spot: Spot, x: number, y: number): void;
  pressed(spot: Spot): void;
  /** The cursor of the keyboard was moved. */
  moved(cell: Cell): void;
}

const ARROWS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export class MatrixStage {
  private grid: Grid | undefined;
  private geometry: Geometry | undefined;
  private zoom = 1;
  private cursor: Cell | undefined;
  private hover: Cell | undefined;
  private look: Look;
  private readonly surface: Surface;
  private readonly ends: (() => void)[] = [];

  /** `scroller` holds the canvas, which lies still, and `world`, which is as large as the matrix and makes it scroll. */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly world: HTMLElement,
    private rate: (perSecond: number) => string,
    private readonly listener: MatrixListener,
  ) {
    this.look = this.readLook();
    this.surface = new Surface(
      canvas,
      (context, width, height) => this.draw(context, width, height),
      () => this.layOut(),
    );
    this.ends.push(
      watchPalette(() => {
        this.look = this.readLook();
        this.surface.invalidate();
      }),
    );
    this.on('scroll', () => this.surface.invalidate());
    this.on('mousemove', (event) => this.point(event as MouseEvent));
    this.on('mouseleave', () => this.leave());
    this.on('click', (event) => this.press(event as MouseEvent));
    this.on('keydown', (event) => this.key(event as KeyboardEvent));
    this.on('wheel', (event) => this.wheel(event as WheelEvent));
  }

  show(grid: Grid, rate: (perSecond: number) => string): void {
    const before = this.grid;
    this.cursor = before && this.cursor && followCell(before, grid, this.cursor);
    this.grid = grid;
    if (rate !== this.rate) {
      this.rate = rate;
      this.look = this.readLook();
    }
    if (
      before?.rows.nodes.length !== grid.rows.nodes.length ||
      before.columns.nodes.length !== grid.columns.nodes.length
    ) {
      this.hover = undefined;
      this.layOut();
    }
    this.surface.invalidate();
  }

  zoomBy(factor: number): void {
    this.zoomTo(this.zoom * factor);
  }

  fit(): void {
    const { width, height } = this.surface.size;
    if (this.grid) this.zoomTo(fitZoom(width, height, this.grid));
  }

  reset(): void {
    this.zoomTo(1);
  }

  select(cell: Cell): void {
    this.cursor = cell;
    const { width, height } = this.surface.size;
    if (this.geometry) {
      const to = scrollToCell(this.geometry, cell, {
        width,
        height,
        scrollX: this.scroller.scrollLeft,
        scrollY: this.scroller.scrollTop,
      });
      this.scroller.scrollTo(to.x, to.y);
    }
    this.surface.invalidate();
  }

  dispose(): void {
    this.surface.dispose();
    for (const end of this.ends) end();
  }

  private on(type: string, listener: (event: Event) => void): void {
    this.scroller.addEventListener(type, listener, { passive: false });
    this.ends.push(() => this.scroller.removeEventListener(type, listener));
  }

  private readLook(): Look {
    const font = getComputedStyle(this.canvas).fontFamily;
    return { palette: readPalette(this.canvas), font, letters: lettersOf(font, 400), rate: this.rate };
  }

  private layOut(): void {
    const { width, height } = this.surface.size;
    if (!this.grid || width === 0) return;
    this.geometry = measure(width, height, this.grid, this.zoom);
    const size = extent(this.geometry);
    this.world.style.width = `${size.width}px`;
    this.world.style.height = `${size.height}px`;
  }

  private zoomTo(zoom: number): void {
    const before = this.geometry;
    this.zoom = clamp(zoom, 0.02, 3);
    this.layOut();
    if (before && this.geometry) {
      // What is at the corner stays there.
      this.scroller.scrollTo(
        (this.scroller.scrollLeft * this.geometry.cellWidth) / before.cellWidth,
        (this.scroller.scrollTop * this.geometry.cellHeight) / before.cellHeight,
      );
    }
    this.surface.invalidate();
  }

  private spot(event: MouseEvent): { spot: Spot; x: number; y: number } {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    if (!this.grid || !this.geometry) return { spot: { kind: 'nothing' }, x, y };
    const { scrollLeft, scrollTop } = this.scroller;
    return { spot: spotAt(this.geometry, this.grid, x, y, scrollLeft, scrollTop), x, y };
  }

  private point(event: MouseEvent): void {
    const { spot, x, y } = this.spot(event);
    const hover = spot.kind === 'cell' ? { row: spot.row, column: spot.column } : undefined;
    if (hover?.row !== this.hover?.row || hover?.column !== this.hover?.column) {
      this.hover = hover;
      this.surface.invalidate();
    }
    this.scroller.style.cursor = spot.kind === 'nothing' ? 'default' : 'pointer';
    this.listener.hovered(spot, x, y);
  }

  private leave(): void {
    this.hover = undefined;
    this.surface.invalidate();
    this.listener.hovered({ kind: 'nothing' }, 0, 0);
  }

  private press(event: MouseEvent): void {
    const { spot } = this.spot(event);
    if (spot.kind === 'cell') this.cursor = { row: spot.row, column: spot.column };
    this.surface.invalidate();
    this.listener.pressed(spot);
  }

  private key(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    if (!this.grid || this.grid.edges.length === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (arrow) {
      const cell = this.cursor ? nextCell(this.grid, this.cursor, arrow[0], arrow[1]) : { row: 0, column: 0 };
      this.select(cell);
      this.listener.moved(cell);
    } else if (event.key === 'Enter' && this.cursor) {
      this.listener.pressed({ kind: 'cell', ...this.cursor });
    } else if (event.key === '+' || event.key === '=') {
      this.zoomBy(1.25);
    } else if (event.key === '-') {
      this.zoomBy(0.8);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private wheel(event: WheelEvent): void {
    // Without the control key the wheel scrolls, as everywhere.
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoomBy(Math.exp(-event.deltaY * 0.005));
  }

  private draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    if (!this.grid || !this.geometry) {
      context.fillStyle = this.look.palette.background;
      context.fillRect(0, 0, width, height);
      return;
    }
    const scroll = { x: this.scroller.scrollLeft, y: this.scroller.scrollTop };
    const pointed = { cursor: this.cursor, hover: this.hover };
    drawMatrix(context, this.look, this.geometry, this.grid, width, height, scroll, pointed);
  }
}
