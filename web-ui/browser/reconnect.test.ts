// A stream that breaks goes on where it was: nothing counts twice, nothing is missing. A server that is another one now
// begins anew.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goOn, sleep, stopTraffic } from './cluster/cluster';
import { Cable } from './cluster/proxy';
import { Relay } from './cluster/relay';
import { happened, sum } from './cluster/truth';
import { figure } from './tab/read';
import { Tab } from './tab/tab';

const SETTLED_MS = 4_000;

let relay: Relay;
let cable: Cable;
let url: string;
let tab: Tab;

beforeAll(async () => {
  // What is counted began in a quiet time, so that it is known to all.
  stopTraffic();
  await sleep(SETTLED_MS);
  relay = await Relay.start();
  cable = new Cable(new URL(relay.url));
  url = await cable.open();
  tab = await Tab.open();
});

afterAll(async () => {
  goOn();
  await tab.close();
  await cable.close();
  await relay.end();
});

const state = () => tab.page.getByTestId('link-state').getAttribute('data-state');
const total = () => figure(tab.page, 'connections');

async function all(sinceMs: number): Promise<number> {
  const edges = await happened(sinceMs, Date.now());
  return sum(edges, 'forwarded') + sum(edges, 'audited') + sum(edges, 'dropped');
}

test('a broken connection', async () => {
  await tab.goto(`${url}?range=5m`);
  await expect.poll(state).toBe('live');
  // Connections that were stopped in the middle try again by themselves.
  await sleep(SETTLED_MS);
  const before = await total();
  const begunMs = Date.now();
  goOn();
  for (let round = 0; round < 2; round++) {
    await sleep(4_000);
    await cable.cut();
    await expect.poll(state).toBe('reconnecting');
    await tab.page.getByTestId('link-failure').waitFor();
    await sleep(3_000);
    await cable.open();
    await expect.poll(state).toBe('live');
  }
  stopTraffic();
  await sleep(SETTLED_MS);
  const truth = await all(begunMs);
  expect(truth).toBeGreaterThan(10);
  await expect.poll(total).toBe(before + truth);
  tab.assertClean(url);
});

test('a server that ends and starts again', async () => {
  const ended = await relay.end();
  expect(ended.code).toBe(0);
  // With an open tab: its stream was ended, not cut off.
  expect(ended.log).not.toContain('cutting connections');
  await expect.poll(state).toBe('reconnecting');
  await relay.start();
  const begunMs = Date.now();
  await expect.poll(state).toBe('live');
  goOn();
  await sleep(8_000);
  stopTraffic();
  await sleep(SETTLED_MS);
  const truth = await all(begunMs);
  expect(truth).toBeGreaterThan(3);
  await expect.poll(total).toBe(truth);
  tab.assertClean(url);
});
