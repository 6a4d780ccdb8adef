// From the moment before a datagram is sent that policy drops, until the page shows it: node browser/drop_visible.mjs PAGE,
// where PAGE is that of a running demo. Each datagram is of a kind that nobody has sent before. Prints JSON objects.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fresh, print } from './fresh.mjs';

const [page] = process.argv.slice(2);
const ROW = 'page-drop-visible';
/** Each has an identity of its own, and none of them may speak to `db` over UDP. */
const SENDERS = ['frontend-1', 'intruder', 'batch', 'backend-1'];
const DB = '10.3.0.31';
/** Each datagram has a port of its own. Of an edge 64 are told apart, so no sender may have more. */
const DATAGRAMS = 100;
const FIRST_PORT = 47_100;
/** Windows close and pages are drawn in turns of up to a second: datagrams must not keep step with them. */
const MOST_PAUSE_MS = 1_000;
/** Longer than any of them should take; what does not come ends the bench. */
const PATIENCE_MS = 20_000;

/** A process in the namespace of an endpoint: for each port that it is told it sends, and says when it began to. */
function sender(endpoint) {
  const program = `
    const socket = require('node:dgram').createSocket('udp4');
    socket.bind(0, () => console.log('ready'));
    require('node:readline').createInterface(process.stdin).on('line', (port) => {
      const beganMs = Date.now();
      socket.send('x', Number(port), '${DB}', () => console.log(beganMs));
    }).on('close', () => socket.close());`;
  const child = spawn('ip', ['netns', 'exec', `tycho-demo-${endpoint}`, process.execPath, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    ready: () => lines.next(),
    send: async (port) => {
      child.stdin.write(`${port}\n`);
      return Number((await lines.next()).value);
    },
    end: () => child.stdin.end(),
  };
}

/** In the page: the time at which a row with a port came into the document. Both clocks are this machine's. */
function watchRows() {
  const seen = new Map();
  window.seenAtMs = (port) => seen.get(port);
  const look = () => {
    const nowMs = Date.now();
    for (const cell of document.querySelectorAll('[data-testid=drops] [data-name=Port]')) {
      const port = Number(cell.textContent.split(' ').at(-1));
      if (!seen.has(port)) seen.set(port, nowMs);
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}

function quantile(sorted, part) {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)];
}

async function measure(tab) {
  const senders = SENDERS.map(sender);
  for (const each of senders) await each.ready();
  // The newest first, so that each of them has a row.
  await tab.goto(`${page}?view=drops&sort=-first`);
  await tab.locator('[data-testid=drops]').waitFor();
  await tab.evaluate(watchRows);
  const tookMs = [];
  for (let count = 0; count < DATAGRAMS; count += 1) {
    const port = FIRST_PORT + count;
    await tab.waitForTimeout(Math.random() * MOST_PAUSE_MS);
    const beganMs = await senders[count % senders.length].send(port);
    const seen = await tab.waitForFunction((each) => window.seenAtMs(each), port, { timeout: PATIENCE_MS });
    tookMs.push((await seen.jsonValue()) - beganMs);
  }
  for (const each of senders) each.end();
  return tookMs;
}

const tookMs = (await fresh(measure)).toSorted((a, b) => a - b);
print(`${ROW}/p50`, quantile(tookMs, 0.5), 'ms');
print(`${ROW}/p99`, quantile(tookMs, 0.99), 'ms');
print(`${ROW}/max`, tookMs.at(-1), 'ms');
