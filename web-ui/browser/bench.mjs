// Measures frames of map and matrix alone in Debian's chromium, drawn in software:
// node browser/bench.mjs [--edges NUMBER] [--shots DIRECTORY] [--json]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';
import { fresh, print } from './fresh.mjs';

const USUAL = { size: '200/2,000', query: 'identities=200&edges=2000', edges: '2000', target: 55 };
const LARGE = { size: '1,000/10,000', query: 'identities=1000&edges=10000', edges: '10000', target: 30 };
const ALL = [
  { ...USUAL, name: 'map', how: 'view=map' },
  { ...LARGE, name: 'map', how: 'view=map' },
  { ...USUAL, name: 'matrix', how: 'view=matrix' },
  { ...LARGE, name: 'matrix', how: 'view=matrix' },
  { ...LARGE, name: 'matrix-fitted', how: 'view=matrix&fit' },
  { ...LARGE, name: 'matrix-by-namespace', how: 'view=matrix&by=namespace' },
];

function option(name) {
  const place = process.argv.indexOf(name);
  return place < 0 ? undefined : process.argv[place + 1];
}

// For `cargo xtask bench`, which compares by itself.
const json = process.argv.includes('--json');
const shots = option('--shots');
const edges = option('--edges');
const cases = ALL.filter((each) => edges === undefined || each.edges === edges);
const work = mkdtempSync(join(tmpdir(), 'tycho-bench-'));
const root = fileURLToPath(new URL('./canvas_bench', import.meta.url));
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  base: './',
  build: { outDir: join(work, 'page'), target: 'es2023' },
});
const server = await preview({
  root,
  configFile: false,
  build: { outDir: join(work, 'page') },
  preview: { port: 0, host: '127.0.0.1' },
});
const address = server.resolvedUrls.local[0];

async function busySeconds(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find((metric) => metric.name === 'TaskDuration').value;
}

console.log(`load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`);
let missed = 0;

/** One case, in a browser of its own. */
async function measure(each, page) {
  page.on('pageerror', (error) => console.error(String(error)));
  const query = `${each.how}&${each.query}`;
  await page.goto(`${address}?${query}`);
  const session = await page.context().newCDPSession(page);
  // Time that the thread had, not that it waited for others: it says the same on a busy machine.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await busySeconds(session);
  const result = await page.evaluate(() => window.bench);
  const perFrame = ((await busySeconds(session)) - before) / result.frames;
  const met = result.framesPerSecond >= each.target && result.longestTaskMs <= 100;
  missed += met ? 0 : 1;
  console.log(
    `${each.name} ${each.size}`.padEnd(34) +
      ` ${result.framesPerSecond.toFixed(1).padStart(5)} frames/s (target ${each.target})` +
      `  p95 ${result.frameP95Ms.toFixed(0)} ms  longest task ${result.longestTaskMs.toFixed(0)} ms` +
      `  data ${result.dataMs.toFixed(0)} ms  main thread ${(perFrame * 1000).toFixed(1)} ms/frame  ${met ? 'met' : 'MISSED'}`,
  );
  if (json) print(`page-canvas-frames-${each.edges}/${each.name}`, result.framesPerSecond, 'frames/s');
  if (shots) {
    const name = `${each.name} ${each.size}`.replaceAll(/[^a-z0-9]+/g, '-');
    await page.goto(`${address}?${query}&still&seconds=1`);
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(shots, `${name}.png`) });
  }
}

try {
  for (const each of cases) await fresh((page) => measure(each, page));
} finally {
  await server.close();
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = missed === 0 || json ? 0 : 1;
