// A node whose observer is killed: the page says so at once, goes on with the others, and says when it is back.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, PAGE, tycho } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';

let tab: Tab;

beforeAll(async () => {
  goOn();
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

test('a node is killed and started again', async () => {
  const { page } = tab;
  await tab.goto(PAGE);
  await expect.poll(() => page.getByTestId('flows-rate').innerText()).toContain('from 3 of 3 nodes');
  await tycho('demo', '--kill-node', 'b');
  try {
    await expect.poll(() => page.getByTestId('flows-rate').innerText()).toContain('from 2 of 3 nodes');
    const away = page.getByTestId('nodes-away');
    expect(await away.innerText()).toContain('demo-node-b');
    // Of the others something still comes: the picture goes on.
    const total = () => page.getByTestId('connections').innerText();
    const before = await total();
    await expect.poll(total).not.toBe(before);
    expect(await page.getByTestId('link-state').getAttribute('data-state')).toBe('live');
    await away.getByRole('button').click();
    await expect.poll(() => page.locator('main').getAttribute('aria-label')).toBe('Nodes');
  } finally {
    await tycho('demo', '--start-node', 'b');
  }
  await expect.poll(() => page.getByTestId('flows-rate').innerText()).toContain('from 3 of 3 nodes');
  await expect(page.getByTestId('nodes-away').count()).resolves.toBe(0);
  tab.assertClean(PAGE);
});

test('what was seen of it before is still there', async () => {
  // Its flows of before the kill were counted by the relay, whatever became of the node.
  await tab.goto(address(PAGE, { view: 'matrix', range: '1h', by: 'label:role', table: 'yes' }));
  await expect.poll(() => tab.page.locator('.canvas-table').innerText()).toMatch(/role=frontend\s+role=backend/);
});
