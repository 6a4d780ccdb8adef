// A browser that has never been anywhere, for what is measured in one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

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
    return await work(browser.pages()[0]);
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** One figure, as `cargo xtask bench` reads it. */
export function print(row, value, unit) {
  console.log(JSON.stringify({ row, value, unit }));
}
