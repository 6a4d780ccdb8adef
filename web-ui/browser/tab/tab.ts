// A browser with one page, which complains of all that a page must not do.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
];

export class Tab {
  /** What went wrong by itself: errors, what the policy refused, what was asked of others. */
  private readonly complaints: string[] = [];
  private readonly origins = new Set<string>();

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    private readonly profile: string,
  ) {}

  static async open(size = { width: 1440, height: 900 }): Promise<Tab> {
    const profile = mkdtempSync(join(tmpdir(), 'tycho-page-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.TYCHO_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      viewport: size,
      args: ARGUMENTS,
      acceptDownloads: true,
    });
    const page = context.pages()[0] ?? (await context.newPage());
    const tab = new Tab(context, page, profile);
    await tab.listen();
    return tab;
  }

  private async listen(): Promise<void> {
    const { page, complaints, origins } = this;
    await page.exposeFunction('complain', (text: string) => complaints.push(text));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        const { complain } = window as unknown as { complain: (text: string) => void };
        complain(`refused by the policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    page.on('pageerror', (error) => complaints.push(`error: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      // A server that is away is part of some tests; the page says so itself.
      const away = /net::ERR_|Failed to load resource/.test(message.text());
      if (message.type() === 'error' && !away) complaints.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http')) origins.add(url.origin);
    });
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
    // The first windows have come, or it has been said why not.
    await this.page.getByTestId('status').waitFor();
  }

  /** The same address as a link that somebody sends. */
  address(): string {
    return this.page.url();
  }

  /** Nobody was asked but this server, and nothing was complained of. */
  assertClean(...servers: string[]): void {
    expect(this.complaints).toEqual([]);
    expect([...this.origins]).toEqual(servers.map((url) => new URL(url).origin));
  }

  /** What scripts use after a collection. */
  async heapBytes(): Promise<number> {
    const session = await this.context.newCDPSession(this.page);
    try {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize } = await session.send('Runtime.getHeapUsage');
      return usedSize;
    } finally {
      await session.detach();
    }
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
