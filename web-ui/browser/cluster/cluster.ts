// The cluster under test: a running `tycho demo`, with real observers, eBPF programs and traffic.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: cargo xtask test --kernel -- page:: starts these tests`);
  return value;
}

/** Where the relay serves the page. */
export const PAGE = required('TYCHO_PAGE');
/** Where pictures go. */
export const SHOTS = required('TYCHO_SHOTS');

const BINARY = required('TYCHO_BINARY');

/** How long windows may be open for late flows, and what waits for them in between. */
const SETTLED_MS = 4_000;

export const NODES = ['a', 'b', 'c'] as const;
export const SOCKETS = NODES.map((node) => `unix:///run/tycho/demo/node-${node}/observer.sock`);

/** What `tycho` prints. */
export async function tycho(...flags: string[]): Promise<string> {
  const { stdout } = await run(BINARY, flags, { maxBuffer: 256 << 20 });
  return stdout;
}

export function binary(): string {
  return BINARY;
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again and again. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, forMs = 30_000): Promise<T> {
  const end = Date.now() + forMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`it never happened: ${what}`);
    await sleep(100);
  }
}

/** The demo makes the traffic itself, and observers and relay are processes of their own: it is stopped, they go on. */
export function stopTraffic(): void {
  process.kill(Number(required('TYCHO_DEMO_PID')), 'SIGSTOP');
}

export function goOn(): void {
  process.kill(Number(required('TYCHO_DEMO_PID')), 'SIGCONT');
}

/** A span with traffic in it and none at its ends, which everybody has counted. It is as long as asked for. */
export async function quietSpan(trafficMs: number, lengthMs: number): Promise<{ fromMs: number; toMs: number }> {
  stopTraffic();
  await sleep(SETTLED_MS);
  const fromMs = Math.floor(Date.now() / 1000) * 1000;
  goOn();
  await sleep(trafficMs);
  stopTraffic();
  await sleep(Math.max(SETTLED_MS, fromMs + lengthMs + SETTLED_MS - Date.now()));
  return { fromMs, toMs: fromMs + lengthMs };
}
