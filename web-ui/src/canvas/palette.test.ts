// Colours tell rates in order, and never tell a drop that is none.
import { expect, test } from 'vitest';
import { DROP_STEPS, dropStep, mix, rateStep, scale } from './palette';

test.each([
  [0, 0],
  [-1, 0],
  [0.0001, 1],
  [0.5, 3],
  [0.999, DROP_STEPS - 1],
  [1, DROP_STEPS],
])('a share of %d dropped is step %d', (share, step) => {
  expect(dropStep(share)).toBe(step);
});

test('more is never a lower step', () => {
  for (let last = 0, part = 0; part <= 1; part += 0.01) {
    const now = rateStep(part * 5000, 5000, 8);
    expect(now).toBeGreaterThanOrEqual(last);
    expect(now).toBeLessThan(8);
    last = now;
  }
  expect(rateStep(0, 10, 8)).toBe(0);
  expect(rateStep(1e-9, 1e9, 8)).toBe(0);
});

test('colours are mixed by channel', () => {
  expect(mix('#000000', '#ffffff', 0.5)).toBe('#808080');
  expect(mix('#000', '#fff', 1)).toBe('#ffffff');
  expect(scale('#000000', '#0a141e', 3)).toEqual(['#000000', '#050a0f', '#0a141e']);
  expect(scale('#000000', '#0a141e', 1)).toEqual(['#0a141e']);
});
