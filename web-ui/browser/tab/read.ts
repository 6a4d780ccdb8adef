// Reads numbers off the page as they stand there.
import type { Locator, Page } from 'playwright-core';
import { addTo, type Edges, type Verdict } from '../cluster/truth';

/** `shop/frontend`, `role=frontend` or a longer name: the role in it. */
export function roleIn(name: string): string {
  return name.trim().replace(/^.*[/=]/, '');
}

/** `0.17/s` in so many seconds. A rate below one has two digits, which tell all counts of a minute apart. */
export function countOf(rate: string, seconds: number): number {
  if (rate.trim() === '–') return 0;
  const text = /^<?([0-9.]+)\/s$/.exec(rate.trim());
  if (!text) throw new Error(`${rate} is no rate`);
  const perSecond = Number(text[1]);
  if (perSecond >= 1) throw new Error(`${rate} is too coarse to count by`);
  return Math.round(perSecond * seconds);
}

/** The cells of a table's body, as text. */
export async function rowsOf(table: Locator): Promise<string[][]> {
  const rows = table.locator('tbody tr');
  return rows.evaluateAll((all) =>
    all.map((row) => [...row.querySelectorAll('td, th')].map((cell) => cell.textContent ?? '')),
  );
}

const VERDICT_COLUMNS: Record<string, Verdict> = {
  llowed: 'forwarded',
  orwarded: 'forwarded',
  udited: 'audited',
  ropped: 'dropped',
};

/** The table of matrix and map, whatever the order of its columns. */
export async function edgesOfTable(page: Page, seconds: number): Promise<Edges> {
  const table = page.locator('.canvas-table');
  const heads = await table.locator('thead th').allInnerTexts();
  const edges: Edges = new Map();
  for (const cells of await rowsOf(table)) {
    const named = (part: string) => cells[heads.findIndex((head) => head.includes(part))]!;
    const edge = `${roleIn(named('From'))} -> ${roleIn(named('To'))}`;
    for (const [part, verdict] of Object.entries(VERDICT_COLUMNS)) {
      if (heads.some((head) => head.includes(part))) addTo(edges, edge, verdict, countOf(named(part), seconds));
    }
  }
  return edges;
}

/** The rows of a table by the names of its columns. */
export async function namedRows(table: Locator): Promise<Record<string, string>[]> {
  const heads = (await table.locator('thead th').allInnerTexts()).map((head) => head.replace(/\s*[↑↓]$/, '').trim());
  const rows = await rowsOf(table);
  // The first cell may begin with the button that opens the row.
  const text = (cell: string | undefined) => (cell ?? '').replace(/^[▸▾]/, '');
  return rows.map((cells) => Object.fromEntries(heads.map((head, at) => [head, text(cells[at])])));
}

/** New connections by verdict as the ports of the edge panel add up to. */
export async function countsOfPorts(page: Page, seconds: number): Promise<Record<Verdict, number>> {
  const ports = page.locator('.edge-panel table').filter({ hasText: 'Port' }).first();
  await ports.waitFor();
  const counts = { forwarded: 0, audited: 0, dropped: 0 };
  for (const [, forwarded, audited, dropped] of await rowsOf(ports)) {
    counts.forwarded += countOf(forwarded!, seconds);
    counts.audited += countOf(audited!, seconds);
    counts.dropped += countOf(dropped!, seconds);
  }
  return counts;
}

/** A whole number in a text such as `1,234 in this time`. */
export function wholeIn(text: string): number {
  const found = /[0-9][0-9,]*/.exec(text);
  if (!found) throw new Error(`there is no number in ${text}`);
  return Number(found[0].replaceAll(',', ''));
}

/** The number in the note of one of the overview's figures. */
export async function figure(page: Page, name: string): Promise<number> {
  return wholeIn(await page.getByTestId(name).locator('span').innerText());
}
