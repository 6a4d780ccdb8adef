// The whole map in a corner, with a frame around what is in sight. There is none while all of it is in sight.
import type { Palette } from '../../canvas/palette';
import { fitTo, toWorld, type Rectangle, type Viewport } from '../../canvas/viewport';

export const SIZE = { width: 180, height: 120 };
const MARGIN = 4;
const MARK = 2;

/** What is in it, until the map has other boxes or drops. */
export interface MinimapScene {
  readonly world: Rectangle;
  readonly boxes: readonly Rectangle[];
  /** Cards with drops. */
  readonly dropped: readonly Rectangle[];
}

export function isAllInSight(world: Rectangle, sight: Rectangle): boolean {
  return (
    sight.x <= world.x &&
    sight.y <= world.y &&
    sight.x + sight.width >= world.x + world.width &&
    sight.y + sight.height >= world.y + world.height
  );
}

export class Minimap {
  private viewport: Viewport = { x: 0, y: 0, scale: 1 };
  private scene: MinimapScene | undefined;
  private palette: Palette | undefined;
  private readonly context: CanvasRenderingContext2D;
  /** Boxes and drops, so that a moved view costs one picture and one frame. */
  private readonly ground: CanvasRenderingContext2D;
  private readonly ratio = Math.min(window.devicePixelRatio || 1, 2);
  private readonly events = new AbortController();

  /** `centre` is told the point of the world that the reader wants to see. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    centre: (x: number, y: number) => void,
  ) {
    this.context = this.prepare(canvas);
    this.ground = this.prepare(document.createElement('canvas'));
    const { signal } = this.events;
    const move = (event: PointerEvent) => {
      const { left, top } = canvas.getBoundingClientRect();
      const { x, y } = toWorld(this.viewport, event.clientX - left, event.clientY - top);
      centre(x, y);
    };
    canvas.addEventListener(
      'pointerdown',
      (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        move(event);
      },
      { signal },
    );
    canvas.addEventListener('pointermove', (event) => canvas.hasPointerCapture(event.pointerId) && move(event), {
      signal,
    });
  }

  show(scene: MinimapScene, sight: Rectangle, palette: Palette): void {
    this.canvas.hidden = isAllInSight(scene.world, sight);
    if (this.canvas.hidden) return;
    if (scene !== this.scene || palette !== this.palette) {
      this.scene = scene;
      this.palette = palette;
      this.viewport = fitTo(scene.world, SIZE, MARGIN);
      this.drawGround(scene, palette);
    }
    const { context, viewport } = this;
    context.drawImage(this.ground.canvas, 0, 0, SIZE.width, SIZE.height);
    context.strokeStyle = palette.selected;
    context.lineWidth = 1.5;
    const { x, y, scale } = viewport;
    context.strokeRect(sight.x * scale + x, sight.y * scale + y, sight.width * scale, sight.height * scale);
  }

  dispose(): void {
    this.events.abort();
  }

  private prepare(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    canvas.width = SIZE.width * this.ratio;
    canvas.height = SIZE.height * this.ratio;
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error('this browser draws no 2d canvas');
    context.scale(this.ratio, this.ratio);
    return context;
  }

  private drawGround({ boxes, dropped }: MinimapScene, palette: Palette): void {
    const { ground, viewport } = this;
    const { x, y, scale } = viewport;
    ground.fillStyle = palette.background;
    ground.fillRect(0, 0, SIZE.width, SIZE.height);
    ground.fillStyle = palette.line;
    for (const box of boxes) {
      ground.fillRect(box.x * scale + x, box.y * scale + y, box.width * scale - 0.5, box.height * scale - 0.5);
    }
    ground.fillStyle = palette.dropped;
    for (const card of dropped) ground.fillRect(card.x * scale + x, card.y * scale + y, MARK, MARK);
  }
}
