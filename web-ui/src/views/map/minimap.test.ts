// The small map is there only if something of the large one is out of sight.
import { expect, test } from 'vitest';
import { isAllInSight } from './minimap';

const world = { x: 10, y: 20, width: 100, height: 50 };

test.each([
  [world, true],
  [{ x: -5, y: 0, width: 500, height: 500 }, true],
  [{ x: 11, y: 20, width: 100, height: 50 }, false],
  [{ x: 10, y: 20, width: 99, height: 50 }, false],
  [{ x: 10, y: 30, width: 100, height: 50 }, false],
  [{ x: 10, y: 10, width: 100, height: 50 }, false],
])('%o', (sight, all) => {
  expect(isAllInSight(world, sight)).toBe(all);
});
