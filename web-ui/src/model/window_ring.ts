// The windows of the chosen range, with running sums: a window is added when it comes and taken away when it is too old.
import type { Cells } from '../wire/cells';
import { Columns, mergeCells } from './columns';
import type { Series } from './series';
import type { TimelinePoint } from './picture';

export interface ClosedWindow {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly startMs: number;
  readonly lengthMs: number;
  readonly cells: Cells;
  readonly lost: number;
  readonly late: number;
}

/** What is newer stays in the windows that the server sent. */
const FINE_MS = 60_000;

function totals(window: ClosedWindow, series: readonly (Series | undefined)[], matches: Uint8Array): TimelinePoint {
  const sums = { forwarded: 0, audited: 0, dropped: 0 };
  const { numbers, connections } = window.cells;
  for (let row = 0; row < numbers.length; row++) {
    const number = numbers[row]!;
    const one = series[number];
    if (one?.counts && matches[number] === 1) sums[one.verdict] += connections[row]!;
  }
  return { startMs: window.startMs, lengthMs: window.lengthMs, lost: window.lost, ...sums };
}

export class WindowRing {
  readonly sums = new Columns();
  readonly newest = new Columns();
  private windows: ClosedWindow[] = [];
  private points: (TimelinePoint | undefined)[] = [];
  private lastSequence = 0;
  private early: Cells | undefined;
  lastSeenMs = new Float64Array(0);

  /** `spanMs`: how far back the sums reach; `Infinity` for a range of the past that was asked for as a whole. */
  constructor(private readonly spanMs: number) {}

  get endMs(): number {
    const last = this.windows.at(-1);
    return last ? last.startMs + last.lengthMs : 0;
  }

  get startMs(): number {
    return this.windows[0]?.startMs ?? 0;
  }

  get sequence(): number {
    return this.lastSequence;
  }

  get isEmpty(): boolean {
    return this.windows.length === 0;
  }

  get lost(): number {
    return this.windows.reduce((sum, window) => sum + window.lost, 0);
  }

  get late(): number {
    return this.windows.reduce((sum, window) => sum + window.late, 0);
  }

  /** The length of the newest window. */
  get newestMs(): number {
    return this.windows.at(-1)?.lengthMs ?? 0;
  }

  /** Adds a window; `false` if it was there already. */
  add(window: ClosedWindow): boolean {
    if (window.lastSequence !== 0 && window.lastSequence <= this.lastSequence) return false;
    this.dropEarly();
    this.lastSequence = window.lastSequence;
    this.windows.push(window);
    this.points.push(undefined);
    this.sums.add(window.cells);
    this.newest.clear();
    this.newest.add(window.cells);
    this.see(window);
    this.expire();
    this.coarsen();
    return true;
  }

  /** Drops of the second that is not over; they take the place of those told before. */
  addEarly(cells: Cells): void {
    this.dropEarly();
    this.early = cells;
    this.sums.add(cells);
  }

  private dropEarly(): void {
    if (this.early) this.sums.add(this.early, -1);
    this.early = undefined;
  }

  private see(window: ClosedWindow): void {
    const { numbers } = window.cells;
    const end = window.startMs + window.lengthMs;
    const highest = numbers[numbers.length - 1] ?? 0;
    if (highest >= this.lastSeenMs.length) {
      const grown = new Float64Array(Math.max(highest + 1, this.lastSeenMs.length * 2));
      grown.set(this.lastSeenMs);
      this.lastSeenMs = grown;
    }
    for (const number of numbers) if (end > this.lastSeenMs[number]!) this.lastSeenMs[number] = end;
  }

  private expire(): void {
    const begin = this.endMs - this.spanMs;
    let gone = 0;
    while (gone < this.windows.length - 1 && this.windows[gone]!.startMs < begin) {
      this.sums.add(this.windows[gone]!.cells, -1);
      gone++;
    }
    if (gone > 0) {
      this.windows.splice(0, gone);
      this.points.splice(0, gone);
    }
  }

  /** A long range of fine windows would only cost memory: older ones are put together to a sixtieth of the range. */
  private coarsen(): void {
    const length = this.spanMs / 60;
    if (!Number.isFinite(length) || length < 2_000) return;
    const slot = (window: ClosedWindow) => Math.floor(window.startMs / length);
    const fineSince = this.endMs - FINE_MS;
    const from = this.windows.findIndex((window) => window.lengthMs < length);
    if (from < 0) return;
    let to = from;
    const first = this.windows[from]!;
    while (to < this.windows.length && slot(this.windows[to]!) === slot(first)) to++;
    const last = this.windows[to - 1]!;
    if (to - from < 2 || to === this.windows.length || last.startMs + last.lengthMs > fineSince) return;
    const parts = this.windows.slice(from, to);
    const merged: ClosedWindow = {
      firstSequence: first.firstSequence,
      lastSequence: last.lastSequence,
      startMs: first.startMs,
      lengthMs: last.startMs + last.lengthMs - first.startMs,
      cells: mergeCells(parts.map((part) => part.cells)),
      lost: parts.reduce((sum, part) => sum + part.lost, 0),
      late: parts.reduce((sum, part) => sum + part.late, 0),
    };
    this.windows.splice(from, to - from, merged);
    this.points.splice(from, to - from, undefined);
  }

  /** Totals of each window. Those of a window are worked out once, until `forgetTotals`. */
  timeline(series: readonly (Series | undefined)[], matches: Uint8Array): TimelinePoint[] {
    return this.windows.map((window, place) => (this.points[place] ??= totals(window, series, matches)));
  }

  /** Totals of each window, of other series than those that match. */
  timelineOf(series: readonly (Series | undefined)[], mask: Uint8Array): TimelinePoint[] {
    return this.windows.map((window) => totals(window, series, mask));
  }

  /** The filter or what numbers mean has changed. */
  forgetTotals(): void {
    this.points.fill(undefined);
  }
}
