// The CLI's flags select the same on the page as in a terminal: in the address, pasted, and by a click on a value.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goOn, PAGE, quietSpan } from './cluster/cluster';
import { happened, listed } from './cluster/truth';
import { address, rangeOf, type Span } from './tab/places';
import { edgesOfTable, figure } from './tab/read';
import { Tab } from './tab/tab';

const SECONDS = 40;

/** Each is a filter of the page, and the flags of `tycho observe`. */
const FILTERS = [
  '--verdict DROPPED',
  '--verdict DROPPED --verdict FORWARDED',
  '--from-label role=frontend',
  '--to-label role=db --verdict DROPPED',
  '--label role=db',
  '--to-port 5432',
  '--protocol tcp',
  '--not --protocol tcp',
  '--from-pod shop/intruder',
  '--to-namespace shop --not --to-label role=backend',
  '--drop-reason-desc POLICY_DENY',
  // What edges do not know: single flows are counted.
  '--ip 10.1.0.0/24',
  '--from-pod shop/frontend-2 --to-port 8080',
  '--to-ip 10.2.0.21',
  '--not --from-ip 10.1.0.66',
];

let tab: Tab;
let span: Span;

beforeAll(async () => {
  tab = await Tab.open();
  span = await quietSpan(25_000, SECONDS * 1000);
});

afterAll(async () => {
  goOn();
  await tab.close();
});

async function show(query: Record<string, string>): Promise<void> {
  await tab.goto(
    address(PAGE, {
      range: rangeOf(span),
      by: 'label:role',
      view: 'matrix',
      table: 'yes',
      measure: 'connections',
      ...query,
    }),
  );
}

describe('the same flags select the same', () => {
  for (const filter of FILTERS) {
    test(filter, async () => {
      const truth = await happened(span.fromMs, span.toMs, ...filter.split(' '));
      expect(truth.size).toBeGreaterThan(0);
      await show({ filter });
      await expect.poll(async () => listed(await edgesOfTable(tab.page, SECONDS))).toEqual(listed(truth));
      await expect(tab.page.getByTestId('filter-problems').count()).resolves.toBe(0);
      tab.assertClean(PAGE);
    });
  }
});

test('flags can be pasted, and what is wrong with them is said', async () => {
  const { page } = tab;
  await show({});
  const input = page.getByRole('combobox', { name: 'Filter' });
  await input.fill('tycho observe --from-label role=intruder --verdict DROPPED');
  await input.press('Enter');
  await expect.poll(() => page.getByTestId('chip').count()).toBe(2);
  const truth = await happened(span.fromMs, span.toMs, '--from-label', 'role=intruder', '--verdict', 'DROPPED');
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(listed(truth));
  expect(new URL(tab.address()).searchParams.get('filter')).toContain('--from-label role=intruder');
  await show({ filter: '--verdict NEVER --from-label role=intruder' });
  await page.getByTestId('filter-problems').waitFor();
  expect(await page.getByTestId('filter-problems').innerText()).toContain('NEVER');
});

test('a chip is turned round and removed', async () => {
  const { page } = tab;
  await show({ filter: '--to-label role=db' });
  await page.getByTestId('chip').getByRole('button').first().click();
  const others = await happened(span.fromMs, span.toMs, '--not', '--to-label', 'role=db');
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(listed(others));
  await page.getByRole('button', { name: /^Remove --/ }).click();
  const all = await happened(span.fromMs, span.toMs);
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(listed(all));
});

test('what noise filters leave out is counted, and never a drop', async () => {
  const { page } = tab;
  // The demo's DNS goes to a port that nobody may reach: all of it is dropped, and so stays.
  await show({ view: 'overview', hide: 'dns' });
  const all = await happened(span.fromMs, span.toMs);
  const dropped = [...all.values()].reduce((sum, edge) => sum + edge.dropped, 0);
  await expect.poll(() => figure(page, 'dropped')).toBe(dropped);
  await expect(page.getByTestId('hidden').count()).resolves.toBe(0);
});

test('an edge is left out alone, and what goes with it is said', async () => {
  const { page } = tab;
  const panel = page.getByRole('complementary', { name: 'Edge' });
  const all = await happened(span.fromMs, span.toMs);
  const left = (...edges: string[]) => listed(new Map([...all].filter(([edge]) => !edges.includes(edge))));
  const open = async (source: string, destination: string, filter: string) => {
    await show({ filter, from: `lb:${source}`, to: `lb:${destination}` });
    await panel.getByRole('heading', { name: `role=${source} → role=${destination}` }).waitFor();
  };
  const filter = () => new URL(tab.address()).searchParams.get('filter') ?? '';

  await open('intruder', 'db', '');
  await panel.getByRole('button', { name: 'Leave it out' }).click();
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(left('intruder -> db'));
  // Of the same source: one exclusion says both.
  await open('intruder', 'backend', filter());
  await panel.getByRole('button', { name: 'Leave it out' }).click();
  const both = left('intruder -> db', 'intruder -> backend');
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(both);
  // Of another source it takes more with it.
  await open('batch', 'db', filter());
  await panel.getByText('Left out with this edge too: shop/batch → shop/backend.').waitFor();
  await panel.getByRole('button', { name: 'Leave it out too' }).click();
  const four = left('intruder -> db', 'intruder -> backend', 'batch -> db', 'batch -> backend');
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(four);
  await open('frontend', 'db', filter());
  await panel.getByRole('button', { name: 'Leave only this out' }).click();
  await expect.poll(async () => listed(await edgesOfTable(page, SECONDS))).toEqual(left('frontend -> db'));
  tab.assertClean(PAGE);
});
