// What one stream or one answer has told: definitions, windows, and the picture that they make under a filter.
import type { Definitions as ToldDefinitions, EarlyDrops, Window } from '../gen/tycho/v1/dashboard_pb';
import type { Noise } from '../place/place';
import { decodeCells } from '../wire/cells';
import { Definitions } from './definitions';
import { hiddenIn, maskOf, NO_MASK } from './mask';
import type { Grown, Picture } from './picture';
import type { Series } from './series';
import { WindowRing } from './window_ring';

export interface View {
  readonly test: (series: Series) => boolean;
  readonly hide: readonly Noise[];
  readonly countsFlowsOnly: boolean;
}

let structures = 0;
let versions = 0;

export class CountedSpan {
  private readonly definitions = new Definitions();
  private ring: WindowRing;
  private series: readonly (Series | undefined)[] = [];
  private view: View | undefined;
  private mask = NO_MASK;
  private structure = 0;
  private grown: Grown | undefined;

  /** `asked`: the range of a count of single flows, which tells only of windows with flows in them. */
  constructor(
    private readonly spanMs: number,
    private readonly asked?: { readonly fromMs: number; readonly toMs: number },
  ) {
    this.ring = new WindowRing(spanMs);
  }

  get epoch(): bigint {
    return this.definitions.epoch;
  }

  get sequence(): number {
    return this.ring.sequence;
  }

  get isEmpty(): boolean {
    return this.ring.isEmpty;
  }

  define(told: ToldDefinitions): void {
    if (this.definitions.take(told)) this.ring = new WindowRing(this.spanMs);
  }

  addWindow(window: Window): boolean {
    return this.ring.add({
      firstSequence: Number(window.firstSequence),
      lastSequence: Number(window.lastSequence),
      startMs: window.startMs,
      lengthMs: window.lengthMs,
      cells: decodeCells(window.cells),
      lost: Number(window.lost),
      late: Number(window.late),
    });
  }

  addEarly(early: EarlyDrops): void {
    this.ring.addEarly(decodeCells(early.cells));
  }

  private prepare(view: View): void {
    const series = this.definitions.series();
    if (series === this.series && view === this.view) return;
    // If series were only added, what was worked out of the others still holds.
    const added = view === this.view ? this.definitions.added : undefined;
    this.mask = maskOf(series, view.test, view.hide, added && { mask: this.mask, added });
    this.grown = added && { from: this.structure, added };
    if (!added) this.ring.forgetTotals();
    this.series = series;
    this.view = view;
    this.structure = ++structures;
  }

  private lastSeen(): Float64Array {
    const seen = new Float64Array(this.series.length);
    for (let number = 0; number < seen.length; number++) {
      seen[number] = Math.max(this.series[number]?.lastSeenMs ?? 0, this.ring.lastSeenMs[number] ?? 0);
    }
    return seen;
  }

  picture(view: View): Picture {
    this.prepare(view);
    const { ring, series, mask } = this;
    const sums = ring.sums.copy(series.length);
    return {
      version: ++versions,
      structure: this.structure,
      grown: this.grown,
      rangeStartMs: this.asked?.fromMs ?? ring.startMs,
      rangeEndMs: this.asked?.toMs ?? ring.endMs,
      series,
      matches: mask.matches,
      sums,
      lastSeenMs: this.lastSeen(),
      lastWindow: ring.newest.copy(series.length),
      lastWindowMs: ring.newestMs,
      hidden: hiddenIn(mask, series, sums),
      timeline: ring.timeline(series, mask.matches),
      timelineOf: (wanted) => ring.timelineOf(series, wanted),
      lost: ring.lost,
      late: ring.late,
      countsFlowsOnly: view.countsFlowsOnly,
      empty: ring.isEmpty && !this.asked,
    };
  }
}
