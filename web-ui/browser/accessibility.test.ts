// Every view for those who do not see it, or see it otherwise: axe finds nothing, dark and light, wide and on a phone.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PAGE, sleep } from './cluster/cluster';
import { address } from './tab/places';
import { Tab } from './tab/tab';
import { VIEWS } from './tab/views';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Found {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

let tab: Tab;

beforeAll(async () => {
  tab = await Tab.open();
});

afterAll(async () => {
  await tab.close();
});

/** What axe complains of; it is brought by the browser's own protocol, which the page's policy does not reach. */
async function complaints(): Promise<string[]> {
  await tab.page.evaluate(AXE);
  const found = await tab.page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<Found> } };
    return axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] });
  });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}

for (const scheme of ['dark', 'light'] as const) {
  describe(scheme, () => {
    for (const view of VIEWS) {
      test(view.name, async () => {
        await tab.page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        await tab.goto(address(PAGE, { view: view.key, range: '5m' }));
        await sleep(1_500);
        expect(await complaints()).toEqual([]);
      });
    }
  });
}

test('the edge panel, and canvases as tables', async () => {
  await tab.goto(
    address(PAGE, { view: 'map', range: '5m', by: 'label:role', table: 'yes', from: 'lb:intruder', to: 'lb:db' }),
  );
  await tab.page.getByRole('complementary', { name: 'Edge' }).waitFor();
  await sleep(1_500);
  expect(await complaints()).toEqual([]);
});

test('on a phone', async () => {
  await tab.page.setViewportSize({ width: 390, height: 844 });
  await tab.goto(PAGE);
  await sleep(1_500);
  expect(await complaints()).toEqual([]);
});
