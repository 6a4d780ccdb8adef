// Where a canvas looks at its world: pan, zoom, fit, as plain arithmetic.

/** A point of the world is drawn at `world * scale + offset`. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const SMALLEST_SCALE = 0.05;
export const LARGEST_SCALE = 3;

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** Zooms by a factor and keeps the world's point under (x, y) of the screen where it is. */
export function zoomAt(viewport: Viewport, x: number, y: number, factor: number): Viewport {
  const scale = clamp(viewport.scale * factor, SMALLEST_SCALE, LARGEST_SCALE);
  const ratio = scale / viewport.scale;
  return { x: x - (x - viewport.x) * ratio, y: y - (y - viewport.y) * ratio, scale };
}

export function panBy(viewport: Viewport, x: number, y: number): Viewport {
  return { x: viewport.x + x, y: viewport.y + y, scale: viewport.scale };
}

/** Shows the whole of `world` in the middle of the screen, never larger than `largest`. */
export function fitTo(world: Rectangle, screen: Size, margin: number, largest = 1): Viewport {
  const width = Math.max(screen.width - 2 * margin, 1);
  const height = Math.max(screen.height - 2 * margin, 1);
  const scale = clamp(
    Math.min(width / Math.max(world.width, 1), height / Math.max(world.height, 1)),
    SMALLEST_SCALE,
    largest,
  );
  return {
    x: (screen.width - world.width * scale) / 2 - world.x * scale,
    y: (screen.height - world.height * scale) / 2 - world.y * scale,
    scale,
  };
}

/** Keeps at least `margin` pixels of the world on the screen, so that nobody gets lost beside it. */
export function keepInSight(viewport: Viewport, world: Rectangle, screen: Size, margin: number): Viewport {
  const left = world.x * viewport.scale;
  const top = world.y * viewport.scale;
  const right = left + world.width * viewport.scale;
  const bottom = top + world.height * viewport.scale;
  return {
    x: clamp(viewport.x, margin - right, screen.width - margin - left),
    y: clamp(viewport.y, margin - bottom, screen.height - margin - top),
    scale: viewport.scale,
  };
}

export function toWorld(viewport: Viewport, x: number, y: number): { x: number; y: number } {
  return { x: (x - viewport.x) / viewport.scale, y: (y - viewport.y) / viewport.scale };
}

/** The part of the world that is on the screen. */
export function visible(viewport: Viewport, screen: Size): Rectangle {
  const { x, y } = toWorld(viewport, 0, 0);
  return { x, y, width: screen.width / viewport.scale, height: screen.height / viewport.scale };
}

export function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** The smallest rectangle around all; empty at the origin for none. */
export function bounds(rectangles: Iterable<Rectangle>): Rectangle {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const each of rectangles) {
    left = Math.min(left, each.x);
    top = Math.min(top, each.y);
    right = Math.max(right, each.x + each.width);
    bottom = Math.max(bottom, each.y + each.height);
  }
  return left > right
    ? { x: 0, y: 0, width: 0, height: 0 }
    : { x: left, y: top, width: right - left, height: bottom - top };
}
