// A drop of a kind that was never seen before comes to the page that is open, and counts once: what was told of it before
// its window closed must not be added to the window.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, sleep, stopTraffic } from './cluster/cluster';
import { datagramToDb } from './cluster/packet';
import { Relay } from './cluster/relay';
import { address } from './tab/places';
import { figure, rowsOf } from './tab/read';
import { Tab } from './tab/tab';

const SETTLED_MS = 4_000;
/** Nothing in the demo speaks to it. */
const PORT = 47_011;
/** Keeps what a number was while nobody looked. */
const SEEN = 'seenOfTheNewDrop';

let relay: Relay;
let tab: Tab;

beforeAll(async () => {
  stopTraffic();
  await sleep(SETTLED_MS);
  // It has counted nothing yet, so that nothing leaves the range meanwhile.
  relay = await Relay.start();
  tab = await Tab.open();
});

afterAll(async () => {
  goOn();
  await tab.close();
  await relay.end();
});

async function show(view: string): Promise<void> {
  await tab.page.getByRole('navigation', { name: 'Views' }).getByText(view, { exact: true }).click();
}

/** The row of the new drop, by the names of its columns. */
async function drop(): Promise<Record<string, string> | undefined> {
  const table = tab.page.getByTestId('drops');
  if ((await table.count()) === 0) return undefined;
  const heads = await table.locator('thead th').allInnerTexts();
  const rows = (await rowsOf(table)).map((cells) =>
    Object.fromEntries(heads.map((head, column) => [head.replace(/ [↓↑]$/, ''), cells[column] ?? ''])),
  );
  return rows.find((row) => row.Port?.endsWith(` ${PORT}`));
}

/** From now on all that the page shows as the connections of the new drop is kept, in each of its pictures. */
async function watchConnections(): Promise<void> {
  await tab.page.evaluate(
    ([port, seen]) => {
      const values: string[] = [];
      Object.assign(window, { [seen]: values });
      const look = () => {
        const rows = [...document.querySelectorAll('[data-testid=drops] tbody tr')];
        const row = rows.find((one) => one.querySelector('[data-name=Port]')?.textContent?.endsWith(` ${port}`));
        const value = row?.querySelector('[data-name=Connections]')?.textContent;
        if (value && values.at(-1) !== value) values.push(value);
      };
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
    },
    [PORT, SEEN] as const,
  );
}

async function seenConnections(): Promise<string[] | undefined> {
  return tab.page.evaluate((seen) => (window as unknown as Record<string, string[]>)[seen], SEEN);
}

test('a new drop appears in the open page and counts once', async () => {
  await tab.goto(address(relay.url, { range: '5m' }));
  await expect.poll(() => tab.page.getByTestId('link-state').getAttribute('data-state')).toBe('live');
  // Connections that were stopped in the middle try again by themselves.
  await sleep(SETTLED_MS);
  const figures = async () => ({
    connections: await figure(tab.page, 'connections'),
    dropped: await figure(tab.page, 'dropped'),
  });
  const before = (await tab.page.getByTestId('dropped').count()) ? await figures() : { connections: 0, dropped: 0 };
  await show('Drops');
  expect(await drop()).toBeUndefined();
  await watchConnections();

  for (const count of [1, 2]) {
    await datagramToDb('frontend-1', PORT);
    await expect.poll(drop).toMatchObject({ Connections: String(count) });
    // Its window has closed, and the totals of packets have been read.
    await expect.poll(drop).toMatchObject({ Connections: String(count), Packets: String(count) });
    await sleep(SETTLED_MS);
  }
  const row = await drop();
  expect(row).toMatchObject({ Port: `UDP ${PORT}`, Reason: expect.stringContaining('POLICY_DENIED') as string });
  expect(row!['From → to']).toMatch(/frontend.*→.*db/);
  expect(row!.Rule).toContain('default deny');
  expect(row!.Node).toContain('demo-node-c');
  // Never more, not even for one picture. That it is still kept says that the document is the same.
  expect(await seenConnections()).toEqual(['1', '2']);

  await show('Overview');
  await expect.poll(figures).toEqual({ connections: before.connections + 2, dropped: before.dropped + 2 });
  expect(await seenConnections()).toBeDefined();
  tab.assertClean(relay.url);
});
