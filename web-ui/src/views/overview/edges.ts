// Edges between identities, with what an overview says of each.
import { groupSeries, type GroupEdge } from '../../model/group_series';
import type { Measure, Picture } from '../../model/picture';

export interface EdgeRow {
  readonly edge: GroupEdge;
  readonly total: number;
  readonly dropped: number;
  readonly audited: number;
  readonly firstSeenMs: number;
  readonly ports: readonly { readonly protocol: number; readonly port: number }[];
}

function portsOf(edge: GroupEdge): EdgeRow['ports'] {
  const known = new Map<number, { protocol: number; port: number }>();
  for (const { protocol, port } of edge.series) known.set(protocol * 65536 + port, { protocol, port });
  return [...known.values()];
}

export function edgeRows(picture: Picture, measure: Measure): EdgeRow[] {
  return groupSeries(picture, { by: 'identity' }).edges.map((edge) => ({
    edge,
    total: edge.forwarded[measure] + edge.audited[measure] + edge.dropped[measure],
    dropped: edge.dropped[measure],
    audited: edge.audited[measure],
    firstSeenMs: Math.min(...edge.series.map((series) => series.firstSeenMs)),
    ports: portsOf(edge),
  }));
}

export interface Totals {
  readonly forwarded: number;
  readonly audited: number;
  readonly dropped: number;
  readonly all: number;
}

export function totalsOf(rows: readonly EdgeRow[]): Totals {
  let [all, dropped, audited] = [0, 0, 0];
  for (const row of rows) {
    all += row.total;
    dropped += row.dropped;
    audited += row.audited;
  }
  return { all, dropped, audited, forwarded: all - dropped - audited };
}

export interface ReasonRow {
  readonly reason: string;
  readonly rule: string;
  readonly connections: number;
}

/** Dropped connections by reason and rule, the most first. */
export function reasonRows(picture: Picture): ReasonRow[] {
  const rows = new Map<string, { reason: string; rule: string; connections: number }>();
  for (const series of picture.series) {
    if (!series || picture.matches[series.number] !== 1 || series.verdict !== 'dropped' || !series.counts) continue;
    const connections = picture.sums.connections[series.number] ?? 0;
    if (connections === 0) continue;
    const rule = series.rule?.description ?? '';
    const key = `${series.dropReason}\n${rule}`;
    const row = rows.get(key) ?? { reason: series.dropReason, rule, connections: 0 };
    row.connections += connections;
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => b.connections - a.connections || a.reason.localeCompare(b.reason));
}
