// Reads canvases as people do: the pointer is put on what is drawn, and the box beside it says what it is.
import type { Page } from 'playwright-core';
import { addTo, type Edges, type Verdict } from '../cluster/truth';
import { countOf, roleIn } from './read';

export interface Told {
  readonly title: string;
  readonly lines: readonly string[];
  /** Of the page. */
  readonly x: number;
  readonly y: number;
}

/** Of every edge and node that is drawn: a point of the page in the middle of where the box tells of it. */
async function points(page: Page): Promise<Record<string, { x: number; y: number }>> {
  // Found by events made in the page, since a real pointer goes a step in each frame; read with the real one.
  return page.locator('.canvas-frame').evaluate((frame) => {
    const STEP = 8;
    const box = frame.querySelector('.hover-box')!;
    const { left, top, right, bottom } = frame.getBoundingClientRect();
    const found: Record<string, { x: number; y: number }[]> = {};
    for (let y = top + STEP; y < bottom; y += STEP) {
      for (let x = left + STEP; x < right; x += STEP) {
        const at = { clientX: x, clientY: y, bubbles: true };
        const under = document.elementFromPoint(x, y);
        under?.dispatchEvent(new PointerEvent('pointermove', at));
        under?.dispatchEvent(new MouseEvent('mousemove', at));
        const title = box.hasAttribute('hidden') ? undefined : box.firstChild?.textContent;
        if (title) (found[title] ??= []).push({ x, y });
      }
    }
    return Object.fromEntries(Object.entries(found).map(([title, all]) => [title, all[all.length >> 1]!]));
  });
}

/** By title, everything that the box says while the pointer rests on each thing that is drawn. */
export async function readUnderPointer(page: Page): Promise<ReadonlyMap<string, Told>> {
  const box = page.locator('.canvas-frame .hover-box');
  const told = new Map<string, Told>();
  for (const { x, y } of Object.values(await points(page))) {
    await page.mouse.move(x, y);
    await box.waitFor();
    const [title, ...lines] = await box.locator(':scope > *').allInnerTexts();
    told.set(title!, { title: title!, lines, x, y });
  }
  return told;
}

const VERDICT = /^[✕◆●] (dropped|audited|forwarded) (\S+)/;

/** Those of them that are edges, in counts. */
export function edgesTold(told: ReadonlyMap<string, Told>, seconds: number): Edges {
  const edges: Edges = new Map();
  for (const { title, lines } of told.values()) {
    const [source, destination] = title.split(' → ').map(roleIn);
    if (destination === undefined) continue;
    for (const line of lines) {
      const [, verdict, rate] = VERDICT.exec(line) ?? [];
      if (!verdict || !rate) throw new Error(`${line} is no verdict with a rate`);
      addTo(edges, `${source} -> ${destination}`, verdict as Verdict, countOf(rate, seconds));
    }
  }
  return edges;
}
