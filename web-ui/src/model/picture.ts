// What views draw: everything of the chosen range at one moment, never changed after it was published.
import type { Series } from './series';

/** Sums over a span of time, indexed by series number. */
export interface Sums {
  readonly connections: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

export type Measure = keyof Sums;

/** Totals of what matches in one window, by verdict. */
export interface TimelinePoint {
  readonly startMs: number;
  readonly lengthMs: number;
  readonly forwarded: number;
  readonly audited: number;
  readonly dropped: number;
  /** Flows that nodes have lost for the server in the window. */
  readonly lost: number;
}

export interface Hidden {
  /** Connections that the filter would show and a noise filter leaves out. None of them was dropped. */
  readonly connections: number;
  /** Which noise filters: `DNS`, `host`, `DNS, host`; empty if none hides anything. */
  readonly by: string;
}

/** A structure that is another one with series added, and nothing else changed. */
export interface Grown {
  readonly from: number;
  readonly added: readonly number[];
}

export interface Picture {
  readonly version: number;
  /** Changes only if `series` or `matches` have: what is worked out of them can be kept until then. */
  readonly structure: number;
  /** How `structure` came out of the one before, if it did. */
  readonly grown?: Grown | undefined;
  readonly rangeStartMs: number;
  readonly rangeEndMs: number;
  readonly series: readonly (Series | undefined)[];
  /** 1 if the series passes the filter, noise filters included. */
  readonly matches: Uint8Array;
  readonly sums: Sums;
  /** When each series last had traffic; newer than what its definition says. */
  readonly lastSeenMs: Float64Array;
  readonly lastWindow: Sums;
  readonly lastWindowMs: number;
  readonly hidden: Hidden;
  /** Oldest first; of new connections. */
  readonly timeline: readonly TimelinePoint[];
  /** The same for other series than those that match: a mask like `matches`. Told of the windows that are held now. */
  readonly timelineOf: (mask: Uint8Array) => readonly TimelinePoint[];
  /** Flows lost for the server in the range, and those that came too late for their window. */
  readonly lost: number;
  readonly late: number;
  /** The filter asks for more than edges have: single flows are counted, without packets. */
  readonly countsFlowsOnly: boolean;
  /** Nothing has come yet. */
  readonly empty: boolean;
}

/** Length of the range; at least one second, so that it can divide. */
export function rangeSeconds(picture: Picture): number {
  return Math.max(1, (picture.rangeEndMs - picture.rangeStartMs) / 1000);
}
