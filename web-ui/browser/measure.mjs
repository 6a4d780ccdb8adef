// Measures one figure of the page over a relay: node browser/measure.mjs ADDRESS ROW. Prints a JSON object.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [address, row] = process.argv.slice(2);
const ROUNDS = 5;
const VIEWS = ['Overview', 'Matrix', 'Map', 'Drops', 'Flows'];

/** Runs `work` in a browser that has never been there. */
async function fresh(work) {
  const profile = mkdtempSync(join(tmpdir(), 'tycho-measure-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.TYCHO_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1440, height: 900 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server'],
  });
  try {
    return await work(browser.pages()[0]);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** Until the overview has numbers in it. */
async function firstPicture(page) {
  await page.addInitScript(() => {
    const looking = setInterval(() => {
      if (!document.querySelector('[data-testid=connections] strong')) return;
      clearInterval(looking);
      window.pictureAtMs = performance.now();
    }, 5);
  });
  await page.goto(address);
  return (await page.waitForFunction(() => window.pictureAtMs)).jsonValue();
}

/** What came over the wire for it, scripts and styles compressed. */
async function firstBytes(page) {
  await firstPicture(page);
  return page.evaluate(() => {
    const entries = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    return entries.reduce((sum, entry) => sum + (entry.encodedBodySize ?? 0), 0) / 1000;
  });
}

/** The longest task of the main thread while views change. */
async function longestTask(page) {
  await page.addInitScript(() => {
    window.longestMs = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.longestMs = Math.max(window.longestMs, entry.duration);
    }).observe({ entryTypes: ['longtask'] });
  });
  await firstPicture(page);
  for (const view of VIEWS) {
    await page.getByRole('navigation', { name: 'Views' }).getByText(view, { exact: true }).click();
    await page.waitForTimeout(4_000);
  }
  return page.evaluate(() => window.longestMs);
}

async function median(work) {
  const values = [];
  for (let round = 0; round < ROUNDS; round++) values.push(await fresh(work));
  return values.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

const MEASURES = {
  'page-first-picture': [() => median(firstPicture), 'ms'],
  'page-first-bytes': [() => fresh(firstBytes), 'kB'],
  'page-longest-task': [() => fresh(longestTask), 'ms'],
};
const [measure, unit] = MEASURES[row];
console.log(JSON.stringify({ row, value: await measure(), unit }));
