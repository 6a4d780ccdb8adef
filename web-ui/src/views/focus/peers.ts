// Callers and callees of one end, the worst first, with what was judged about each.
import type { Measure, Picture } from '../../model/picture';
import type { LabelSet, Series } from '../../model/series';
import { judgementsOf, type Judgement } from '../../panels/edge/judgements';
import type { End } from '../../panels/edge/ends';

/** Cards on the page, the focused one included. */
export const MOST_CARDS = 60;

export interface Peer {
  readonly set: LabelSet;
  readonly forwarded: number;
  readonly audited: number;
  readonly dropped: number;
  readonly judgements: readonly Judgement[];
}

export interface Lane {
  readonly peers: readonly Peer[];
  /** All there are. */
  readonly of: number;
}

export interface Focused {
  readonly callers: Lane;
  readonly callees: Lane;
}

type Found = Map<LabelSet, Series[]>;

function add(found: Found, set: LabelSet, series: Series): void {
  const list = found.get(set);
  if (list) list.push(series);
  else found.set(set, [series]);
}

function peersOf(picture: Picture, found: Found, measure: Measure): Peer[] {
  const peers = [...found].map(([set, list]) => {
    const sums = { forwarded: 0, audited: 0, dropped: 0 };
    for (const one of list) {
      if (one.counts) sums[one.verdict] += picture.sums[measure][one.number] ?? 0;
    }
    return { set, list, ...sums };
  });
  peers.sort(
    (a, b) =>
      b.dropped - a.dropped ||
      b.audited + b.forwarded - a.audited - a.forwarded ||
      a.set.name.localeCompare(b.set.name),
  );
  // Only what is shown is worked out further.
  return peers.slice(0, MOST_CARDS - 1).map(({ list, ...peer }) => ({
    ...peer,
    judgements: judgementsOf(picture, list, measure),
  }));
}

/** How many of each side are shown: half of the room each, and what one side leaves to the other. */
export function shareRoom(callers: number, callees: number, room: number): [number, number] {
  const half = Math.floor(room / 2);
  if (callers <= half) return [callers, Math.min(callees, room - callers)];
  if (callees <= room - half) return [Math.min(callers, room - callees), callees];
  return [half, room - half];
}

export function focusOn(picture: Picture, end: End, measure: Measure): Focused {
  const callers: Found = new Map();
  const callees: Found = new Map();
  for (const series of picture.series) {
    if (!series || picture.matches[series.number] !== 1) continue;
    if (end.sets.has(series.destination)) add(callers, series.source, series);
    if (end.sets.has(series.source)) add(callees, series.destination, series);
  }
  const [left, right] = shareRoom(callers.size, callees.size, MOST_CARDS - 1);
  return {
    callers: { peers: peersOf(picture, callers, measure).slice(0, left), of: callers.size },
    callees: { peers: peersOf(picture, callees, measure).slice(0, right), of: callees.size },
  };
}
