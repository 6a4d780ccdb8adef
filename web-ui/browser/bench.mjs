// Measures frames of map and matrix in Debian's chromium, drawn in software: node browser/bench.mjs [--shots DIRECTORY]
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';

const CASES = [
  { name: 'map 200/2,000', query: 'view=map&identities=200&edges=2000', target: 55 },
  { name: 'map 1,000/10,000', query: 'view=map&identities=1000&edges=10000', target: 30 },
  { name: 'matrix 200/2,000', query: 'view=matrix&identities=200&edges=2000', target: 55 },
  { name: 'matrix 1,000/10,000', query: 'view=matrix&identities=1000&edges=10000', target: 30 },
  { name: 'matrix 1,000/10,000 fitted', query: 'view=matrix&identities=1000&edges=10000&fit', target: 30 },
  {
    name: 'matrix 1,000/10,000 by namespace',
    query: 'view=matrix&identities=1000&edges=10000&by=namespace',
    target: 30,
  },
];

// For `cargo xtask bench`, which compares by itself.
const json = process.argv.includes('--json');
const shots = process.argv.includes('--shots') ? process.argv[process.argv.indexOf('--shots') + 1] : undefined;
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
const browser = await chromium.launchPersistentContext(join(work, 'profile'), {
  executablePath: '/usr/bin/chromium',
  headless: true,
  viewport: { width: 1440, height: 900 },
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-proxy-server',
  ],
});
async function busySeconds(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find((metric) => metric.name === 'TaskDuration').value;
}

console.log(`load ${loadavg()[0].toFixed(1)} on ${cpus().length} cores`);
let missed = 0;
try {
  for (const each of CASES) {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(String(error)));
    await page.goto(`${address}?${each.query}`);
    const session = await page.context().newCDPSession(page);
    // Time that the thread had, not that it waited for others: it says the same on a busy machine.
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    const before = await busySeconds(session);
    const result = await page.evaluate(() => window.bench);
    const perFrame = ((await busySeconds(session)) - before) / result.frames;
    const met = result.framesPerSecond >= each.target && result.longestTaskMs <= 100;
    missed += met ? 0 : 1;
    console.log(
      `${each.name.padEnd(34)} ${result.framesPerSecond.toFixed(1).padStart(5)} frames/s (target ${each.target})` +
        `  p95 ${result.frameP95Ms.toFixed(0)} ms  longest task ${result.longestTaskMs.toFixed(0)} ms` +
        `  data ${result.dataMs.toFixed(0)} ms  main thread ${(perFrame * 1000).toFixed(1)} ms/frame  ${met ? 'met' : 'MISSED'}`,
    );
    if (json) {
      const value = 1000 / result.framesPerSecond;
      console.log(JSON.stringify({ row: `page-frames/${each.name}`, value, unit: 'ms' }));
    }
    if (shots) {
      const name = each.name.replaceAll(/[^a-z0-9]+/g, '-');
      await page.goto(`${address}?${each.query}&still&seconds=1`);
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(shots, `${name}.png`) });
    }
    await page.close();
  }
} finally {
  await browser.close();
  await server.close();
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = missed === 0 || json ? 0 : 1;
