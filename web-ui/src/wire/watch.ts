// Keeps the one stream of a tab open: goes on where it ended, waits longer after each failure, notices silence.
import { create } from '@bufbuild/protobuf';
import {
  WatchRequestSchema,
  type FlowSelection,
  type WatchEvent,
  type WatchRequest,
} from '../gen/tycho/v1/dashboard_pb';
import { Backoff } from './backoff';
import { failureOf, type Failure } from './failure';

export interface WatchWish {
  readonly historySeconds: number;
  readonly flows: FlowSelection | undefined;
  readonly flowsPerSecond: number;
  readonly counted: FlowSelection | undefined;
}

export interface Link {
  readonly state: 'connecting' | 'live' | 'stale' | 'reconnecting' | 'closed';
  /** Why it is not live. */
  readonly failure?: Failure;
  /** When the next attempt is made. */
  readonly retryAtMs?: number;
  readonly sinceMs: number;
}

export type OpenWatch = (request: WatchRequest, signal: AbortSignal) => AsyncIterable<WatchEvent>;

export interface WatchListener {
  event(event: WatchEvent): void;
  link(link: Link): void;
}

/** Something comes every second; two missed are no accident. */
const STALE_AFTER_MS = 3_000;
/** After this the stream counts as dead, whatever the network thinks. */
const DEAD_AFTER_MS = 10_000;

export class Watch {
  private wish: WatchWish | undefined;
  private epoch = 0n;
  private after = 0n;
  private attempt: AbortController | undefined;
  private readonly backoff: Backoff;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setInterval> | undefined;
  private heardMs = 0;
  private current: Link = { state: 'closed', sinceMs: 0 };

  constructor(
    private readonly open: OpenWatch,
    private readonly listener: WatchListener,
    backoff = new Backoff(),
  ) {
    this.backoff = backoff;
  }

  get link(): Link {
    return this.current;
  }

  /** Begins anew, with nothing of what came before. */
  start(wish: WatchWish): void {
    this.epoch = 0n;
    this.after = 0n;
    this.wish = wish;
    this.backoff.reset();
    this.connect();
  }

  /** Another tail on the same windows: goes on behind the last one. */
  change(wish: WatchWish): void {
    this.wish = wish;
    this.connect();
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    if (this.wish && this.current.state !== 'live') this.connect();
  }

  close(): void {
    this.stop();
    this.say({ state: 'closed', sinceMs: Date.now() });
  }

  /** What was told has been taken in: the next stream begins behind it. */
  took(epoch: bigint, sequence: bigint): void {
    this.epoch = epoch;
    this.after = sequence;
  }

  private say(link: Link): void {
    this.current = link;
    this.listener.link(link);
  }

  private stop(): void {
    clearTimeout(this.retry);
    clearInterval(this.watchdog);
    this.attempt?.abort();
    this.attempt = undefined;
  }

  private connect(): void {
    const first = this.current.state === 'closed' || this.current.state === 'live';
    this.stop();
    const wish = this.wish;
    if (!wish) return;
    if (first) this.say({ state: 'connecting', sinceMs: Date.now() });
    const attempt = new AbortController();
    this.attempt = attempt;
    this.heardMs = Date.now();
    this.watchdog = setInterval(() => this.check(), 500);
    const request = create(WatchRequestSchema, {
      epoch: this.epoch,
      after: this.after,
      historySeconds: wish.historySeconds,
      flowsPerSecond: wish.flows ? wish.flowsPerSecond : 0,
    });
    if (wish.flows) request.flows = wish.flows;
    if (wish.counted) request.counted = wish.counted;
    void this.read(request, attempt);
  }

  private async read(request: WatchRequest, attempt: AbortController): Promise<void> {
    let failure: Failure;
    try {
      for await (const event of this.open(request, attempt.signal)) {
        if (this.attempt !== attempt) return;
        this.heardMs = Date.now();
        if (this.current.state !== 'live') {
          this.backoff.reset();
          this.say({ state: 'live', sinceMs: this.heardMs });
        }
        this.listener.event(event);
      }
      failure = { text: 'the server ended the stream', next: 'It is tried again.', passing: true };
    } catch (error) {
      failure = failureOf(error);
    }
    if (this.attempt === attempt) this.failed(failure);
  }

  private failed(failure: Failure): void {
    this.stop();
    if (!failure.passing) {
      this.say({ state: 'reconnecting', failure, sinceMs: Date.now() });
      return;
    }
    const wait = this.backoff.nextMs();
    const since = this.current.state === 'reconnecting' ? this.current.sinceMs : Date.now();
    this.say({ state: 'reconnecting', failure, retryAtMs: Date.now() + wait, sinceMs: since });
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private check(): void {
    const silent = Date.now() - this.heardMs;
    if (silent > DEAD_AFTER_MS) {
      this.failed({
        text: `the server has said nothing for ${Math.round(silent / 1000)} s`,
        next: 'It is tried again.',
        passing: true,
      });
    } else if (silent > STALE_AFTER_MS && this.current.state === 'live') {
      this.say({
        state: 'stale',
        failure: { text: 'the server has been silent for 3 s', next: 'What is shown is old.', passing: true },
        sinceMs: this.heardMs,
      });
    }
  }
}
