// Each view and `tycho observe -o json` tell the same of a time after which traffic stopped: new connections by edge and
// verdict, each counted once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goOn, PAGE, quietSpan, tycho } from './cluster/cluster';
import { addTo, happened, listed, sum, type Edges } from './cluster/truth';
import { address, rangeOf, type Span } from './tab/places';
import { countOf, edgesOfTable, figure, roleIn, rowsOf, wholeIn } from './tab/read';
import { Tab } from './tab/tab';

const SECONDS = 40;

let tab: Tab;
let span: Span;
let truth: Edges;

beforeAll(async () => {
  tab = await Tab.open();
  // All of the demo's traffic takes ten seconds.
  span = await quietSpan(25_000, SECONDS * 1000);
  truth = await happened(span.fromMs, span.toMs);
});

afterAll(async () => {
  goOn();
  await tab.close();
});

async function show(query: Record<string, string>): Promise<void> {
  await tab.goto(address(PAGE, { range: rangeOf(span), by: 'label:role', ...query }));
  await tab.page.getByTestId('past-loading').waitFor({ state: 'detached' });
}

test('there was traffic of every kind', () => {
  expect(truth.size).toBeGreaterThanOrEqual(8);
  expect(sum(truth, 'forwarded')).toBeGreaterThan(10);
  expect(sum(truth, 'dropped')).toBeGreaterThan(10);
  expect(truth.get('intruder -> db')?.dropped).toBeGreaterThan(2);
  expect(truth.get('backend -> batch')?.forwarded).toBeGreaterThan(1);
});

for (const view of ['matrix', 'map']) {
  test(`${view}`, async () => {
    await show({ view, table: 'yes' });
    await expect.poll(async () => listed(await edgesOfTable(tab.page, SECONDS))).toEqual(listed(truth));
    tab.assertClean(PAGE);
  });
}

test('the overview', async () => {
  await show({ view: 'overview' });
  const { page } = tab;
  const dropped = sum(truth, 'dropped');
  const all = sum(truth, 'forwarded') + sum(truth, 'audited') + dropped;
  await expect.poll(() => figure(page, 'connections')).toBe(all);
  expect(await figure(page, 'dropped')).toBe(dropped);
  expect(await figure(page, 'audited')).toBe(sum(truth, 'audited'));
  const talkers = await page.getByTestId('talker').evaluateAll((rows) =>
    rows.map((row) => ({
      ends: [...row.querySelectorAll('.bar-name button')].map((end) => end.textContent ?? ''),
      count: row.querySelector('.bar-number')?.textContent ?? '',
    })),
  );
  const told = talkers.map(({ ends, count }) => {
    const [source, destination] = ends.filter((end) => end.includes('/')).map(roleIn);
    return `${source} -> ${destination}: ${wholeIn(count)}`;
  });
  const expected = [...truth].map(([edge, counts]) => `${edge}: ${counts.forwarded + counts.audited + counts.dropped}`);
  expect(told.toSorted()).toEqual(expected.toSorted());
  tab.assertClean(PAGE);
});

describe('the edge panel', () => {
  for (const edge of ['intruder -> db', 'frontend -> backend', 'backend -> db']) {
    test(edge, async () => {
      const [source, destination] = edge.split(' -> ');
      await show({ view: 'matrix', table: 'yes', from: `lb:${source}`, to: `lb:${destination}` });
      const ports = tab.page.locator('.edge-panel table').filter({ hasText: 'Port' }).first();
      await ports.waitFor();
      const counts = { forwarded: 0, audited: 0, dropped: 0 };
      for (const [, forwarded, audited, dropped] of await rowsOf(ports)) {
        counts.forwarded += countOf(forwarded!, SECONDS);
        counts.audited += countOf(audited!, SECONDS);
        counts.dropped += countOf(dropped!, SECONDS);
      }
      expect(counts).toEqual(truth.get(edge));
      tab.assertClean(PAGE);
    });
  }
});

test('the drops', async () => {
  await show({ view: 'drops' });
  const table = tab.page.getByTestId('drops');
  const drops = async () => {
    const edges: Edges = new Map();
    const heads = await table.locator('thead th').allInnerTexts();
    const column = heads.findIndex((head) => head.startsWith('Connections'));
    for (const cells of await rowsOf(table)) {
      const [source, destination] = cells[0]!.split('→').map(roleIn);
      addTo(edges, `${source} -> ${destination}`, 'dropped', wholeIn(cells[column]!));
    }
    return listed(edges);
  };
  const dropped: Edges = new Map();
  for (const [edge, counts] of truth) if (counts.dropped > 0) addTo(dropped, edge, 'dropped', counts.dropped);
  await expect.poll(drops).toEqual(listed(dropped));
  tab.assertClean(PAGE);
});

test('the focus', async () => {
  await show({ view: 'focus', focus: 'lb:db' });
  const peers = async () => {
    const edges: Record<string, number> = {};
    const cards = tab.page.getByRole('region', { name: 'Callers' }).locator('.peer-card .head');
    for (const card of await cards.all()) {
      const [name, rate] = await card.getByRole('button').allInnerTexts();
      edges[roleIn(name!)] = countOf(rate!.trim().split(/\s/)[0]!, SECONDS);
    }
    return edges;
  };
  const all = [...truth].filter(([edge]) => edge.endsWith(' -> db'));
  const expected = all.map(([edge, counts]) => [edge.split(' -> ')[0], counts.forwarded + counts.dropped]);
  await expect.poll(peers).toEqual(Object.fromEntries(expected));
  tab.assertClean(PAGE);
});

test('the flows', async () => {
  for (const filter of ['--from-pod shop/intruder', '--to-pod shop/db --verdict DROPPED', '--protocol udp']) {
    const time = (ms: number) => new Date(ms).toISOString();
    const within = ['--since', time(span.fromMs), '--until', time(span.toMs)];
    const told = await tycho('observe', '-o', 'json', ...within, ...filter.split(' '));
    const flows = told.split('\n').filter((line) => line.includes('"flow"')).length;
    expect(flows).toBeGreaterThan(3);
    await show({ view: 'flows', filter });
    // All of them are asked for as one scrolls to the end.
    const count = tab.page.getByTestId('flows-count');
    await expect.poll(() => count.innerText()).toBe(`${flows} flows`);
  }
  tab.assertClean(PAGE);
});
