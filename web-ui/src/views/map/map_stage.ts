// The map on its canvas: view, pointer, keyboard and what stands out. Outside React, so that nothing renders but pixels.
import { bindGestures } from '../../canvas/gestures';
import { readPalette, watchPalette, type Palette } from '../../canvas/palette';
import { Surface } from '../../canvas/surface';
import {
  bounds,
  fitTo,
  keepInSight,
  overlap,
  panBy,
  toWorld,
  visible,
  zoomAt,
  type Rectangle,
  type Viewport,
} from '../../canvas/viewport';
import { lineAt } from './curve';
import { drawBoxes, drawBoxNames, drawCards, drawGhosts } from './draw_boxes';
import { drawEdge, drawEdges } from './draw_edges';
import type { MapLayout } from './layout';
import { cardAt, cardBeside, linesTouching, NO_LINES, type Lines, type Scene } from './scene';

export type MapSpot =
  | { readonly kind: 'card'; readonly node: number }
  | { readonly kind: 'edge'; readonly edge: number }
  | { readonly kind: 'nothing' };

export interface MapListener {
  /** x and y are of the canvas. */
  hovered(spot: MapSpot, x: number, y: number): void;
  pressed(spot: MapSpot): void;
  opened(node: number): void;
  /** The cursor of the keyboard is on this node. */
  moved(node: number): void;
  /** The part of the world that was drawn. */
  seen(sight: Rectangle, palette: Palette): void;
}

const NOTHING: MapSpot = { kind: 'nothing' };
const EDGE_REACH = 7;
const MARGIN = 24;
const ARROWS: Readonly<Record<string, readonly [right: number, down: number]>> = {
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
};

export class MapStage {
  private scene: Scene | undefined;
  private layout: MapLayout | undefined;
  private names: ReadonlyMap<string, string> = new Map();
  private viewport: Viewport = { x: 0, y: 0, scale: 1 };
  /** Nobody has moved the view: it is fitted to what comes. */
  private untouched = true;
  private selected = -1;
  private hover: MapSpot = NOTHING;
  private cursor = -1;
  private asked: Lines = NO_LINES;
  private near: ReadonlySet<number> = new Set();
  private palette: Palette;
  private readonly font: string;
  private readonly surface: Surface;
  private readonly ends: (() => void)[] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly listener: MapListener,
  ) {
    this.palette = readPalette(canvas);
    this.font = getComputedStyle(canvas).fontFamily;
    this.surface = new Surface(
      canvas,
      (context, width, height) => this.draw(context, width, height),
      () => this.untouched && this.fit(),
    );
    const key = (event: KeyboardEvent) => this.key(event);
    canvas.addEventListener('keydown', key);
    this.ends.push(
      () => canvas.removeEventListener('keydown', key),
      watchPalette(() => {
        this.palette = readPalette(canvas);
        this.surface.invalidate();
      }),
      bindGestures(canvas, {
        pan: (x, y) => this.move(panBy(this.viewport, x, y)),
        zoom: (x, y, factor) => this.move(zoomAt(this.viewport, x, y, factor)),
        hover: (x, y) => this.point(x, y),
        leave: () => this.setHover(NOTHING, 0, 0),
        tap: (x, y) => listener.pressed(this.spotAt(x, y)),
        doubleTap: (x, y) => {
          const spot = this.spotAt(x, y);
          if (spot.kind === 'card') listener.opened(spot.node);
        },
      }),
    );
  }

  show(scene: Scene, layout: MapLayout, names: ReadonlyMap<string, string>, selected: number): void {
    const grown =
      this.layout !== layout ||
      this.scene?.cards.length !== scene.cards.length ||
      this.scene.ghosts.length !== scene.ghosts.length;
    if (this.scene && this.scene.graph.nodes !== scene.graph.nodes) {
      // Numbers of nodes and edges mean others now.
      const key = this.scene.graph.nodes[this.cursor]?.key;
      this.cursor = key === undefined ? -1 : scene.graph.nodes.findIndex((node) => node.key === key);
      this.hover = NOTHING;
    }
    this.scene = scene;
    this.layout = layout;
    this.names = names;
    this.selected = selected;
    this.ask();
    if (grown && this.untouched) this.fit();
    this.surface.invalidate();
  }

  fit(): void {
    if (!this.layout || this.surface.size.width === 0) return;
    this.viewport = fitTo(this.wanted(), this.surface.size, MARGIN, 1.5);
    this.untouched = true;
    this.surface.invalidate();
  }

  /** Boxes with something that matches; all if there is none. */
  private wanted(): Rectangle {
    const { pieces, world } = this.layout!;
    const cards = this.scene?.cards ?? [];
    const busy = pieces.filter((piece) => cards.some((card) => overlap(piece, card)));
    return busy.length > 0 ? bounds(busy) : world;
  }

  zoomBy(factor: number): void {
    const { width, height } = this.surface.size;
    this.move(zoomAt(this.viewport, width / 2, height / 2, factor));
  }

  /** Brings a point of the world to the middle. */
  centre(x: number, y: number): void {
    const { width, height } = this.surface.size;
    const { scale } = this.viewport;
    this.move({ x: width / 2 - x * scale, y: height / 2 - y * scale, scale });
  }

  /** Brings a card to the middle, large enough to be read. */
  showNode(node: number): void {
    const card = this.scene?.cards[node];
    if (!card) return;
    const { width, height } = this.surface.size;
    const scale = Math.max(this.viewport.scale, 0.8);
    this.move({
      x: width / 2 - (card.x + card.width / 2) * scale,
      y: height / 2 - (card.y + card.height / 2) * scale,
      scale,
    });
  }

  /** Edges of what is asked for that found no place. */
  get left(): { drops: number; asked: number } {
    return { drops: this.scene?.drops.left ?? 0, asked: this.asked.left };
  }

  dispose(): void {
    this.surface.dispose();
    for (const end of this.ends) end();
  }

  private move(viewport: Viewport): void {
    if (!this.layout) return;
    this.untouched = false;
    this.viewport = keepInSight(viewport, this.layout.world, this.surface.size, 60);
    this.surface.invalidate();
  }

  private spotAt(x: number, y: number): MapSpot {
    if (!this.scene) return NOTHING;
    const world = toWorld(this.viewport, x, y);
    const card = cardAt(this.scene.cards, world.x, world.y);
    if (card) return { kind: 'card', node: card.node };
    const reach = EDGE_REACH / this.viewport.scale;
    for (const lines of [this.asked, this.scene.drops]) {
      const line = lineAt(lines.curves, world.x, world.y, reach);
      if (line >= 0) return { kind: 'edge', edge: lines.edges[line]! };
    }
    return NOTHING;
  }

  private point(x: number, y: number): void {
    this.setHover(this.spotAt(x, y), x, y);
  }

  private setHover(spot: MapSpot, x: number, y: number): void {
    const same = JSON.stringify(spot) === JSON.stringify(this.hover);
    if (!same) {
      this.hover = spot;
      this.ask();
      this.canvas.style.cursor = spot.kind === 'nothing' ? 'grab' : 'pointer';
      this.surface.invalidate();
    }
    this.listener.hovered(spot, x, y);
  }

  /** Works out which edges are asked for, and which nodes they lead to. */
  private ask(): void {
    if (!this.scene) return;
    const nodes = new Set<number>();
    if (this.hover.kind === 'card') nodes.add(this.hover.node);
    if (this.selected >= 0) nodes.add(this.selected);
    if (this.cursor >= 0 && document.activeElement === this.canvas) nodes.add(this.cursor);
    this.asked = linesTouching(this.scene, nodes);
    const { source, destination } = this.scene.graph;
    const near = new Set(nodes);
    for (const edge of this.asked.edges) {
      near.add(source[edge]!);
      near.add(destination[edge]!);
    }
    if (this.hover.kind === 'edge') {
      near.add(source[this.hover.edge]!);
      near.add(destination[this.hover.edge]!);
    }
    this.near = near;
  }

  private key(event: KeyboardEvent): void {
    if (!this.scene || event.altKey || event.ctrlKey || event.metaKey) return;
    const arrow = ARROWS[event.key];
    const { cards } = this.scene;
    if (arrow && cards.length > 0) {
      const from = cards[this.cursor >= 0 ? this.cursor : this.selected];
      this.cursor = from ? (cardBeside(cards, from, arrow[0], arrow[1]) ?? from).node : cards[0]!.node;
      this.bringInSight(this.cursor);
      this.ask();
      this.listener.moved(this.cursor);
    } else if (event.key === 'Enter' && this.cursor >= 0) {
      if (event.shiftKey || this.cursor === this.selected) this.listener.opened(this.cursor);
      else this.listener.pressed({ kind: 'card', node: this.cursor });
    } else if (event.key === '+' || event.key === '=') {
      this.zoomBy(1.25);
    } else if (event.key === '-') {
      this.zoomBy(0.8);
    } else if (event.key === '0') {
      this.fit();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    this.surface.invalidate();
  }

  private bringInSight(node: number): void {
    const card = this.scene!.cards[node]!;
    const sight = visible(this.viewport, this.surface.size);
    const inside =
      card.x >= sight.x &&
      card.y >= sight.y &&
      card.x + card.width <= sight.x + sight.width &&
      card.y + card.height <= sight.y + sight.height;
    if (!inside || this.viewport.scale < 0.5) this.showNode(node);
  }

  private draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { palette, scene, layout, viewport } = this;
    context.fillStyle = palette.background;
    context.fillRect(0, 0, width, height);
    if (!scene || !layout) return;
    const sight = visible(viewport, { width, height });
    context.save();
    context.translate(viewport.x, viewport.y);
    context.scale(viewport.scale, viewport.scale);
    drawBoxes(context, palette, layout.pieces, sight, viewport.scale);
    drawGhosts(context, palette, this.font, scene.ghosts, sight, viewport.scale);
    // Under the cards, and pale enough to read a name through them.
    const asks = this.near.size > 0;
    context.globalAlpha = asks ? 0.2 : 0.6;
    const skip = asks ? new Set(this.asked.edges) : undefined;
    drawEdges(context, palette, scene.graph, scene.drops, scene.largest, viewport.scale, sight, skip);
    context.globalAlpha = 0.6;
    drawEdges(context, palette, scene.graph, this.asked, scene.largest, viewport.scale, sight, undefined);
    if (this.hover.kind === 'edge') {
      const curve = this.curveOf(this.hover.edge);
      if (curve) drawEdge(context, palette, scene.graph, this.hover.edge, curve, viewport.scale);
    }
    context.globalAlpha = 1;
    const emphasis = {
      near: this.near,
      selected: this.selected,
      hovered: this.hover.kind === 'card' ? this.hover.node : -1,
      cursor: this.cursor,
    };
    drawCards(context, palette, this.font, scene.cards, emphasis, sight, viewport.scale);
    drawBoxNames(context, palette, this.font, layout.pieces, this.names, sight, viewport.scale);
    context.restore();
    this.listener.seen(sight, palette);
  }

  private curveOf(edge: number): Float32Array | undefined {
    for (const lines of [this.asked, this.scene!.drops]) {
      const line = lines.edges.indexOf(edge);
      if (line >= 0) return lines.curves.subarray(line * 6, line * 6 + 6);
    }
    return undefined;
  }
}
