// Turns a place into requests, what comes into pictures, and says both to the stores that views read.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { parseFilter } from '../filter/parse';
import { seriesTest, unknownToSeries } from '../filter/match_series';
import { messageOf, selectionOf } from '../filter/selection';
import {
  GetWindowsRequestSchema,
  type FlowSelection,
  type FlowTail as ToldFlows,
  type GetWindowsRequest,
  type WatchEvent,
  type Window,
  type WindowsPart,
} from '../gen/tycho/v1/dashboard_pb';
import type { Place, TimeRange } from '../place/place';
import { failureOf } from '../wire/failure';
import { nextTask } from '../wire/gently';
import { Watch, type OpenWatch } from '../wire/watch';
import { CountedSpan, type View } from './counted_span';
import { FlowTail } from './flow_tail';
import { links, pasts, statuses, tails } from './live_state';
import { Paced } from './paced';
import { pauses, RUNNING } from './pause';
import { pictures } from './use_picture';

export type OpenWindows = (request: GetWindowsRequest, signal: AbortSignal) => AsyncIterable<WindowsPart>;

export const LIVE_SECONDS = 60;
const FLOWS_PER_SECOND = 200;

function secondsOf(range: TimeRange): number {
  return range.kind === 'last' ? range.seconds : LIVE_SECONDS;
}

/** What of a place the requests depend on. */
interface Asked {
  readonly seconds: number;
  readonly counted: FlowSelection | undefined;
  readonly flows: FlowSelection | undefined;
}

export class Live {
  private readonly watch: Watch;
  private live = new CountedSpan(LIVE_SECONDS * 1000);
  private past: CountedSpan | undefined;
  private pastCall: AbortController | undefined;
  private view: View = { test: () => true, hide: [], countsFlowsOnly: false };
  private readonly tail = new FlowTail();
  private readonly pace = new Paced(() => this.publish());
  private readonly tailPace = new Paced(() => this.publishTail());
  /** The filter or range was changed: also while paused the page follows its reader. */
  private wanted = true;
  private place: Place | undefined;
  private asked = '';
  private askedPast = '';
  private askedFlows = '';
  private showsFlows = false;

  constructor(
    open: OpenWatch,
    private readonly openWindows: OpenWindows,
  ) {
    this.watch = new Watch(open, { event: (event) => this.event(event), link: (link) => links.set(link) });
  }

  /** Stops pictures and flows as they are; what comes is still counted. */
  pause(paused: boolean): void {
    if (paused === pauses.get().paused) return;
    pauses.set(paused ? { ...RUNNING, paused } : RUNNING);
    if (paused) return;
    void this.pace.now();
    void this.tailPace.now();
  }

  retryNow(): void {
    this.watch.retryNow();
  }

  /** Stops asking; `show` with a place begins again where it ended. */
  close(): void {
    this.watch.close();
    this.pastCall?.abort();
    this.asked = '';
  }

  /** Flows that a page of the past has told; they belong into the same list. */
  addFlows(flows: Parameters<FlowTail['add']>[0]): void {
    if (this.tail.add(flows)) this.tailPace.request();
  }

  show(place: Place): void {
    const before = this.place;
    this.place = place;
    this.showsFlows = place.view === 'flows';
    const isPast = place.range.kind === 'absolute';
    const sameView = before && before.filter === place.filter && before.hide.join() === place.hide.join();
    const selection = selectionOf(parseFilter(place.filter).terms);
    const message = messageOf(selection);
    const counted = unknownToSeries(selection).length > 0 ? message : undefined;
    if (!sameView) {
      this.view = { test: seriesTest(selection), hide: place.hide, countsFlowsOnly: counted !== undefined };
    }
    if (this.askedFlows !== place.filter) {
      this.askedFlows = place.filter;
      this.tail.clear();
      tails.set(this.tail.state());
    }
    this.ask(
      {
        seconds: secondsOf(place.range),
        counted: isPast ? undefined : counted,
        flows: this.showsFlows && !isPast ? message : undefined,
      },
      place.filter,
    );
    this.askPast(place, counted);
    if (!sameView || before?.range !== place.range) {
      this.wanted = true;
      this.pace.request();
    }
  }

  private ask({ seconds, counted, flows }: Asked, filter: string): void {
    const base = JSON.stringify([seconds, counted ? filter : '']);
    const whole = JSON.stringify([base, flows ? filter : null]);
    if (whole === this.asked) return;
    const goesOn = this.asked !== '' && (JSON.parse(this.asked) as [string])[0] === base;
    this.asked = whole;
    const wish = { historySeconds: seconds, flows, flowsPerSecond: FLOWS_PER_SECOND, counted };
    if (goesOn) {
      this.watch.change(wish);
    } else {
      this.live = new CountedSpan(seconds * 1000);
      this.watch.start(wish);
    }
  }

  private askPast(place: Place, counted: FlowSelection | undefined): void {
    const { range } = place;
    if (range.kind !== 'absolute') {
      this.pastCall?.abort();
      this.past = undefined;
      this.askedPast = '';
      if (pasts.get().state !== 'none') pasts.set({ state: 'none' });
      return;
    }
    const asked = JSON.stringify([range, counted ? place.filter : '']);
    if (asked === this.askedPast) return;
    this.askedPast = asked;
    this.pastCall?.abort();
    const call = new AbortController();
    this.pastCall = call;
    const request = create(GetWindowsRequestSchema, {
      since: timestampFromMs(range.fromMs),
      until: timestampFromMs(range.toMs),
    });
    if (counted) request.counted = counted;
    void this.readPast(request, call, range);
  }

  private async readPast(
    request: GetWindowsRequest,
    call: AbortController,
    range: { readonly fromMs: number; readonly toMs: number },
  ): Promise<void> {
    pasts.set({ state: 'loading' });
    const span = new CountedSpan(Infinity, request.counted && range);
    try {
      let extent: WindowsPart['extent'];
      for await (const part of this.openWindows(request, call.signal)) {
        if (part.definitions) span.define(part.definitions);
        if (part.window) span.addWindow(part.window);
        extent = part.extent ?? extent;
      }
      if (this.pastCall !== call) return;
      this.past = span;
      this.wanted = true;
      pasts.set({ state: 'loaded', extent, fromMs: range.fromMs });
      this.pace.request();
    } catch (error) {
      if (this.pastCall !== call || call.signal.aborted) return;
      this.askedPast = '';
      pasts.set({ state: 'failed', failure: failureOf(error) });
    }
  }

  private event({ event }: WatchEvent): void {
    switch (event.case) {
      case 'definitions':
        this.live.define(event.value);
        break;
      case 'window':
        this.window(event.value);
        break;
      case 'earlyDrops':
        this.live.addEarly(event.value);
        break;
      case 'flows':
        this.flows(event.value);
        return;
      case 'status':
        statuses.set(event.value);
        return;
    }
    if (this.place?.range.kind !== 'absolute') this.pace.request();
  }

  private window(window: Window): void {
    if (!this.live.addWindow(window)) return;
    this.watch.took(this.live.epoch, window.lastSequence);
    const pause = pauses.get();
    if (pause.paused) pauses.set({ ...pause, windows: pause.windows + 1 });
  }

  private flows(told: ToldFlows): void {
    const pause = pauses.get();
    if (pause.paused) pauses.set({ ...pause, flows: pause.flows + told.flows.length + Number(told.skipped) });
    if (this.tail.add(told.flows, Number(told.skipped))) this.tailPace.request();
  }

  private publishTail(): void {
    if (!pauses.get().paused) tails.set(this.tail.state());
  }

  private async publish(): Promise<void> {
    if (pauses.get().paused && !this.wanted) return;
    const isPast = this.place?.range.kind === 'absolute';
    const span = isPast ? this.past : this.live;
    // What was there stays until the new range has something to show.
    if (!span || (span.isEmpty && !isPast && !pictures.get().empty)) return;
    this.wanted = false;
    const picture = span.picture(this.view);
    // What views make of it is a task of its own.
    await nextTask();
    if (pictures.get().version < picture.version) pictures.set(picture);
  }
}
