// Edges between identities, with what an overview says of each.
import { groupSeries, type GroupEdge } from '../../model/group_series';
import type { Measure, Picture } from '../../model/picture';
import type { Rule, Series } from '../../model/series';

export interface EdgeRow {
  readonly edge: GroupEdge;
  readonly total: number;
  readonly dropped: number;
  readonly audited: number;
  readonly firstSeenMs: number;
}

export interface EdgePort {
  readonly protocol: number;
  readonly port: number;
}

export function portsOf(edge: GroupEdge): EdgePort[] {
  const known = new Map<number, EdgePort>();
  for (const { protocol, port } of edge.series) known.set(protocol * 65536 + port, { protocol, port });
  return [...known.values()];
}

/** An edge's list of series is the same from picture to picture until definitions or the filter change. */
const firstSeen = new WeakMap<readonly Series[], number>();

function firstSeenOf(series: readonly Series[]): number {
  let first = firstSeen.get(series);
  if (first === undefined) {
    first = series.reduce((least, one) => Math.min(least, one.firstSeenMs), Infinity);
    firstSeen.set(series, first);
  }
  return first;
}

export function edgeRows(picture: Picture, measure: Measure): EdgeRow[] {
  return groupSeries(picture, { by: 'identity' }).edges.map((edge) => {
    const dropped = edge.count('dropped', measure);
    const audited = edge.count('audited', measure);
    const total = edge.count('forwarded', measure) + audited + dropped;
    return { edge, total, dropped, audited, firstSeenMs: firstSeenOf(edge.series) };
  });
}

export interface Totals {
  readonly forwarded: number;
  readonly audited: number;
  readonly dropped: number;
  readonly all: number;
}

/** What matches and is part of the totals. */
function* counted(picture: Picture): Generator<Series, void, undefined> {
  for (const series of picture.series) {
    if (series?.counts && picture.matches[series.number] === 1) yield series;
  }
}

/** Of everything that matches. The sums of all rows are the same, but rows have to be put together first. */
export function totalsOf(picture: Picture, measure: Measure): Totals {
  const totals = { forwarded: 0, audited: 0, dropped: 0 };
  for (const series of counted(picture)) {
    totals[series.verdict] += picture.sums[measure][series.number] ?? 0;
  }
  return { ...totals, all: totals.forwarded + totals.audited + totals.dropped };
}

export interface ReasonRow {
  readonly reason: string;
  readonly rule: Rule | undefined;
  readonly connections: number;
}

/** Dropped connections by reason and rule, the most first. */
export function reasonRows(picture: Picture): ReasonRow[] {
  const rows = new Map<string, { reason: string; rule: Rule | undefined; connections: number }>();
  for (const series of counted(picture)) {
    if (series.verdict !== 'dropped') continue;
    const connections = picture.sums.connections[series.number] ?? 0;
    if (connections === 0) continue;
    const key = `${series.dropReason}\n${series.rule?.description ?? ''}`;
    const row = rows.get(key) ?? { reason: series.dropReason, rule: series.rule, connections: 0 };
    row.connections += connections;
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => b.connections - a.connections || a.reason.localeCompare(b.reason));
}
