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
