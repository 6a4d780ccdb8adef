// A browser that has never been anywhere, for what is measured in one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** A browser that has just been started is busy with itself. */
const AT_REST_MS = 2_000;

/** Runs `work` with the page of such a browser, which draws in software. */
export async function fresh(work) {
  const profile = mkdtempSync(join(tmpdir(), 'tycho-measure-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.TYCHO_CHROMIUM ?? '/usr/bin/chromium',
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
  try {
    const [page] = browser.pages();
    await page.waitForTimeout(AT_REST_MS);
    return await work(page);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** One figure, as `cargo xtask bench` reads it. */
export function print(row, value, unit) {
  console.log(JSON.stringify({ row, value, unit }));
}
