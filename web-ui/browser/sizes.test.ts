// Every view on a large screen, a laptop and a phone: nothing sticks out, and pictures are kept to be looked at.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE, SHOTS, sleep } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';
import { VIEWS } from './tab/views';

const SIZES = [
  { name: 'screen', width: 1920, height: 1080 },
  { name: 'laptop', width: 1366, height: 768 },
  { name: 'phone', width: 390, height: 844 },
];

let tab: Tab;

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

for (const size of SIZES) {
  describe(size.name, () => {
    for (const view of [...VIEWS, { key: 'edge', name: 'the edge panel' }]) {
      test(view.name, async () => {
        const { page } = tab;
        await page.setViewportSize(size);
        const query: Record<string, string> =
          view.key === 'edge'
            ? { view: 'matrix', by: 'label:role', from: 'lb:intruder', to: 'lb:db', range: '5m' }
            : { view: view.key, by: 'workload', range: '5m' };
        await tab.goto(address(PAGE, query));
        await sleep(1_500);
        await page.screenshot({ path: join(SHOTS, `${view.key}-${size.name}.png`) });
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wider).toBeLessThanOrEqual(0);
        tab.assertClean(PAGE);
      });
    }
  });
}

test('on a phone both ends of every flow are told in full', async () => {
  const { page } = tab;
  await page.setViewportSize({ width: 390, height: 844 });
  await tab.goto(address(PAGE, { view: 'flows' }));
  const names = page.getByTestId('flow-row').locator('.flow-end-name');
  await names.first().waitFor();
  const cut = await names.evaluateAll((all) =>
    all.filter((name) => name.scrollWidth > name.clientWidth).map((name) => name.textContent),
  );
  expect(cut).toEqual([]);
});

test('on a small laptop drops say since when, without scrolling', async () => {
  const { page } = tab;
  await page.setViewportSize({ width: 1024, height: 700 });
  await tab.goto(address(PAGE, { view: 'drops', range: '5m' }));
  const table = page.getByTestId('drops');
  await table.waitFor();
  const right = (box: { x: number; width: number } | null) => box!.x + box!.width;
  const since = await table.getByRole('columnheader', { name: 'Since' }).boundingBox();
  expect(right(since)).toBeLessThanOrEqual(right(await table.boundingBox()));
});
