// Pan, zoom and fit are held against what they promise.
import { expect, test } from 'vitest';
import { bounds, fitTo, keepInSight, overlap, toWorld, visible, zoomAt } from './viewport';

test.each([
  [1, 100, 50, 2],
  [0.4, 0, 0, 1.1],
  [2.9, 640, 480, 3],
  [0.06, 10, 10, 0.1],
])('zooming from %d keeps what is under (%d, %d)', (scale, x, y, factor) => {
  const before = { x: 13, y: -7, scale };
  const after = zoomAt(before, x, y, factor);
  const [one, two] = [toWorld(before, x, y), toWorld(after, x, y)];
  expect(two.x).toBeCloseTo(one.x);
  expect(two.y).toBeCloseTo(one.y);
  expect(after.scale).toBeGreaterThanOrEqual(0.05);
  expect(after.scale).toBeLessThanOrEqual(3);
});

test.each([
  [{ x: 0, y: 0, width: 100, height: 100 }, 1],
  [{ x: -50, y: 20, width: 2000, height: 100 }, 0.38],
  [{ x: 0, y: 0, width: 100, height: 6000 }, 560 / 6000],
])('fit shows all of %o', (world, scale) => {
  const screen = { width: 800, height: 600 };
  const viewport = fitTo(world, screen, 20);
  expect(viewport.scale).toBeCloseTo(scale);
  const seen = visible(viewport, screen);
  expect(seen.x).toBeLessThanOrEqual(world.x);
  expect(seen.y).toBeLessThanOrEqual(world.y);
  expect(seen.x + seen.width).toBeGreaterThanOrEqual(world.x + world.width);
  expect(seen.y + seen.height).toBeGreaterThanOrEqual(world.y + world.height);
});

test('the world cannot be pushed off the screen', () => {
  const world = { x: 0, y: 0, width: 500, height: 500 };
  const screen = { width: 800, height: 600 };
  for (const x of [-1e6, 0, 1e6]) {
    const seen = visible(keepInSight({ x, y: -x, scale: 0.5 }, world, screen, 40), screen);
    expect(overlap(seen, world)).toBe(true);
  }
});

test('bounds of none are empty', () => {
  expect(bounds([])).toEqual({ x: 0, y: 0, width: 0, height: 0 });
  expect(
    bounds([
      { x: 1, y: 2, width: 3, height: 4 },
      { x: -1, y: 5, width: 1, height: 1 },
    ]),
  ).toEqual({ x: -1, y: 2, width: 5, height: 4 });
});
