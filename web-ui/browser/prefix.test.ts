// Behind a path, whether the proxy takes it off or leaves it: every address of the page stays below it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { StrippingProxy } from './cluster/proxy';
import { Relay } from './cluster/relay';
import { VIEWS } from './tab/views';
import { Tab } from './tab/tab';

const PREFIX = '/tools/tycho';

let relay: Relay;
let tab: Tab;

beforeAll(async () => {
  relay = await Relay.start('--page-prefix', PREFIX);
});

afterAll(async () => {
  await relay.end();
});

beforeEach(async () => {
  tab = await Tab.open();
});

afterEach(async () => {
  await tab.close();
});

async function walk(base: string): Promise<void> {
  const asked: string[] = [];
  tab.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await tab.goto(`${base}/`);
  await tab.page.getByTestId('connections').waitFor();
  for (const view of VIEWS) {
    await tab.page.getByRole('navigation', { name: 'Views' }).getByText(view.name, { exact: true }).click();
    await expect.poll(() => tab.page.locator('main').getAttribute('aria-label')).toBe(view.name);
    expect(new URL(tab.address()).pathname).toBe(`${PREFIX}/`);
  }
  // A link that somebody sent.
  await tab.goto(`${base}/?view=matrix&by=workload`);
  expect(await tab.page.locator('main').getAttribute('aria-label')).toBe('Matrix');
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((path) => !path.startsWith(`${PREFIX}/`))).toEqual([]);
  tab.assertClean(base);
}

test('left by the proxy', async () => {
  await walk(`${relay.url.slice(0, -1)}${PREFIX}`);
});

test('taken off by the proxy', async () => {
  const proxy = new StrippingProxy(new URL(relay.url), PREFIX);
  try {
    await walk(`${await proxy.open()}${PREFIX}`);
  } finally {
    await proxy.close();
  }
});
