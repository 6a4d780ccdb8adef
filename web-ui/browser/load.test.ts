// A thousand identities, ten thousand edges and five thousand flows a second: the page goes on, and its memory does not grow.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE, sleep } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';
import { VIEWS } from './tab/views';

/** The range of a live picture is full after a minute; until then its memory grows as it should. */
const FILL_MS = 70_000;
const ROUNDS = 4;
const ROUND_MS = 8_000;
/** Of what is in use after a collection. A leak of the windows alone would be many times that. */
const MOST_GROWTH_BYTES = 8 << 20;

let tab: Tab;

beforeAll(async () => {
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

const state = () => tab.page.getByTestId('link-state').getAttribute('data-state');

test('stable memory while views change', { timeout: 400_000 }, async () => {
  const { page } = tab;
  await tab.goto(address(PAGE, { view: 'matrix' }));
  await sleep(FILL_MS);
  const used: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const view of ['matrix', 'map', 'drops', 'overview']) {
      const { name } = VIEWS.find((one) => one.key === view)!;
      await page.getByRole('navigation', { name: 'Views' }).getByText(name, { exact: true }).click();
      await sleep(ROUND_MS / 4);
    }
    used.push(await tab.heapBytes());
    await expect.poll(state).toBe('live');
  }
  console.log(`heap in use: ${used.map((bytes) => `${(bytes / 1048576).toFixed(1)} MiB`).join(', ')}`);
  // The first round has loaded the views.
  expect(Math.min(...used.slice(2))).toBeLessThan(used[1]! + MOST_GROWTH_BYTES);
  tab.assertClean(PAGE);
});

test('the flow table under the same load', async () => {
  const { page } = tab;
  await tab.goto(address(PAGE, { view: 'flows' }));
  await page.getByTestId('flow-row').first().waitFor();
  // More come than anybody reads: what was left out is said.
  await expect.poll(() => page.getByTestId('skipped').innerText()).toMatch(/too many to show/);
  const first = await tab.heapBytes();
  await sleep(15_000);
  expect(await tab.heapBytes()).toBeLessThan(first + 3 * MOST_GROWTH_BYTES);
  await expect.poll(state).toBe('live');
  tab.assertClean(PAGE);
});
