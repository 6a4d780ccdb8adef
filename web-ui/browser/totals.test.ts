// Each view and `tycho observe -o json` tell the same of a time after which traffic stopped: new connections by edge and
// verdict, each counted once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { goOn, PAGE, quietSpan, tycho } from './cluster/cluster';
import { addTo, happened, listed, observed, sum, type Edges, type Line } from './cluster/truth';
import { decidedByPolicy, decidedByRule, droppedByNode, endsOf } from './cluster/truth_of_tables';
import { edgesTold, readUnderPointer } from './tab/canvas';
import { address, rangeOf, type Span } from './tab/places';
import { countOf, countsOfPorts, edgesOfTable, figure, namedRows, roleIn, rowsOf, wholeIn } from './tab/read';
import { Tab } from './tab/tab';

const SECONDS = 40;

let tab: Tab;
let span: Span;
let lines: Line[];
let truth: Edges;

beforeAll(async () => {
  tab = await Tab.open();
  // All of the demo's traffic takes ten seconds.
  span = await quietSpan(25_000, SECONDS * 1000);
  lines = await observed(span.fromMs, span.toMs);
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

test('the matrix on its canvas, each cell under the pointer', async () => {
  await show({ view: 'matrix' });
  expect(listed(edgesTold(await readUnderPointer(tab.page), SECONDS))).toEqual(listed(truth));
  tab.assertClean(PAGE);
});

test('the matrix on its canvas, by the keyboard', async () => {
  const { page } = tab;
  await show({ view: 'matrix' });
  const canvas = page.getByRole('application');
  await canvas.focus();
  const said = page.locator('.canvas-frame [aria-live]');
  const told = new Map<string, { title: string; lines: string[]; x: number; y: number }>();
  // Along each row and back: the arrows go from edge to edge.
  for (let row = 0; row < 6; row++) {
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'ArrowDown']) {
      await canvas.press(key);
      const [title, what] = (await said.innerText()).split(': ');
      if (what !== 'no traffic seen') told.set(title!, { title: title!, lines: what!.split(', '), x: 0, y: 0 });
    }
  }
  expect(listed(edgesTold(told, SECONDS))).toEqual(listed(truth));
  tab.assertClean(PAGE);
});

test('the map on its canvas, lines under the pointer and what they open', async () => {
  const { page } = tab;
  await show({ view: 'map' });
  const canvas = page.getByRole('application');
  const said = page.locator('.canvas-frame [aria-live]');
  await canvas.focus();
  const keys = ['ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowDown'];
  for (const key of keys) {
    await canvas.press(key);
    if ((await said.innerText()).startsWith('shop/backend:')) break;
  }
  expect(await said.innerText()).toMatch(/^shop\/backend: in /);
  // What is selected keeps all of its edges drawn, beside the drops.
  await canvas.press('Enter');
  await expect.poll(() => new URL(tab.address()).searchParams.get('focus')).not.toBeNull();
  const drawn = [...truth].filter(([edge, { dropped }]) => dropped > 0 || edge.includes('backend'));
  const told = await readUnderPointer(page);
  expect(listed(edgesTold(told, SECONDS))).toEqual(listed(new Map(drawn)));
  for (const edge of ['intruder -> db', 'frontend -> backend', 'backend -> db']) {
    const title = edge
      .split(' -> ')
      .map((role) => `shop/${role}`)
      .join(' → ');
    const { x, y } = told.get(title)!;
    await page.mouse.click(x, y);
    const panel = page.getByRole('complementary', { name: 'Edge' });
    await panel.getByRole('heading', { name: title }).waitFor();
    expect(await countsOfPorts(page, SECONDS)).toEqual(truth.get(edge));
    await panel.getByRole('button', { name: 'Close the edge panel' }).click();
  }
  tab.assertClean(PAGE);
});

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
      expect(await countsOfPorts(tab.page, SECONDS)).toEqual(truth.get(edge));
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

test('the policies, and each of their rules', async () => {
  const { page } = tab;
  await show({ view: 'policies' });
  const rules = decidedByRule(lines);
  expect(rules.size).toBeGreaterThan(5);
  const policies = Object.fromEntries(decidedByPolicy(rules));
  const table = page.getByTestId('policies');
  const shown = async () => {
    const rows = (await namedRows(table)).map((row): [string, object] => {
      const [, policy, kind] = /^(\S+) .*?([A-Za-z]+)$/.exec(row.Policy!)!;
      const { Forwarded: forwarded, Audited: audited, Dropped: dropped } = row;
      const counts = { forwarded: wholeIn(forwarded!), audited: wholeIn(audited!), dropped: wholeIn(dropped!) };
      return [`${kind}/${policy}`, counts];
    });
    return Object.fromEntries(rows);
  };
  await expect.poll(shown).toEqual(policies);
  const told: Record<string, string> = {};
  for (const policy of Object.keys(policies)) {
    await table
      .getByRole('row', { name: policy.slice(policy.indexOf('/') + 1) })
      .getByRole('button', { name: 'More' })
      .click();
    for (const rule of await page.getByTestId('policy-rule').all()) {
      const name = await rule.locator('.mono').first().innerText();
      const decided = await rule.getByTestId('rule-decided').innerText();
      told[name === 'default deny' ? `default deny by ${policy}` : `${policy} ${name}`] = decided.replace(/\s+/g, ' ');
    }
    await page.getByRole('button', { name: 'Less' }).click();
  }
  const expected = Object.keys(told).map((rule) => {
    const parts = Object.entries(rules.get(rule) ?? {}).filter(([, count]) => count > 0);
    return [rule, parts.map(([verdict, count]) => `${count} ${verdict}`).join(', ') || 'no connection in this time'];
  });
  expect(told).toEqual(Object.fromEntries(expected));
  // What flows name is among the rules that the view has.
  expect([...rules.keys()].filter((rule) => !(rule in told))).toEqual([]);
  tab.assertClean(PAGE);
});

test('the endpoints: all pods that flows name, with their identities', async () => {
  // The view counts nothing; whom it lists is what can be compared.
  await show({ view: 'endpoints' });
  const table = tab.page.getByTestId('endpoints');
  await table.waitFor();
  const listed = (await namedRows(table)).map(({ Endpoint, Identity }) => `${Endpoint} ${Identity}`);
  expect(endsOf(lines).size).toBeGreaterThan(5);
  expect([...endsOf(lines)].filter((end) => !listed.includes(end))).toEqual([]);
  tab.assertClean(PAGE);
});

test('the nodes: what they hold, what was lost, and the drops of each', async () => {
  const { page } = tab;
  await show({ view: 'nodes' });
  const all = await observed(0, span.toMs + 60_000);
  const held: Record<string, number> = {};
  for (const { flow } of all) if (flow) held[flow.node_name] = (held[flow.node_name] ?? 0) + 1;
  const table = page.getByTestId('nodes');
  const shown = async () => {
    const rows = await namedRows(table);
    return Object.fromEntries(rows.map(({ Node, Held }) => [`default/${Node}`, wholeIn(Held!)]));
  };
  await expect.poll(shown).toEqual(held);
  const lost = (await namedRows(table)).reduce((total, row) => total + wholeIn(row.Lost!), 0);
  expect(lost).toBe(all.filter((line) => line.lost_events !== undefined).length);

  await show({ view: 'drops' });
  const drops = async () => {
    const nodes: Record<string, number> = {};
    for (const { Node, Connections } of await namedRows(page.getByTestId('drops'))) {
      const node = `default/${Node!.split(' ')[0]}`;
      nodes[node] = (nodes[node] ?? 0) + wholeIn(Connections!);
    }
    return nodes;
  };
  await expect.poll(drops).toEqual(droppedByNode(lines));
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
