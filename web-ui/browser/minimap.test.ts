// The small map: there while something of the large one is out of sight, and it leads there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, PAGE } from './cluster/cluster';
import { readUnderPointer } from './tab/canvas';
import { address } from './tab/places';
import { Tab } from './tab/tab';

let tab: Tab;

beforeAll(async () => {
  goOn();
  tab = await Tab.open({ width: 1024, height: 700 });
});

afterAll(async () => {
  await tab.close();
});

/** Cards that are in sight. */
async function cards(): Promise<string[]> {
  return [...(await readUnderPointer(tab.page)).keys()].filter((title) => !title.includes('→')).toSorted();
}

test('a click into it brings that part into sight', async () => {
  const { page } = tab;
  await tab.goto(address(PAGE, { view: 'map', range: '5m', by: 'label:role' }));
  await page.getByRole('application').waitFor();
  const small = page.locator('canvas.minimap');
  const all = await cards();
  expect(all).toContain('shop/backend');
  await expect(small.isVisible()).resolves.toBe(false);
  for (let times = 0; times < 4; times++) await page.getByRole('button', { name: 'Zoom in' }).click();
  await small.waitFor();
  const { width, height } = (await small.boundingBox())!;
  await small.click({ position: { x: 0.15 * width, y: 0.35 * height } });
  const left = await cards();
  await small.click({ position: { x: 0.85 * width, y: 0.35 * height } });
  const right = await cards();
  expect(left.length).toBeLessThan(all.length);
  expect(left).toContain('shop/backend');
  expect(right).toContain('shop/db');
  expect(right).not.toEqual(left);
  await page.setViewportSize({ width: 390, height: 844 });
  await expect.poll(() => small.isVisible()).toBe(false);
  await page.setViewportSize({ width: 1024, height: 700 });
  await page.getByRole('button', { name: 'Fit' }).click();
  await expect.poll(() => small.isVisible()).toBe(false);
  expect(await cards()).toEqual(all);
  tab.assertClean(PAGE);
});
