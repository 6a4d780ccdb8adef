// Drops put together by edge, port, reason, rule and node.
import type { Picture } from '../../model/picture';
import type { Series } from '../../model/series';

export interface DropRow {
  readonly key: string;
  readonly series: Series;
  readonly connections: number;
  readonly packets: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

/** Series of drops that match; those without any in the range are left out. */
export function dropRows(picture: Picture): DropRow[] {
  const rows: DropRow[] = [];
  for (const series of picture.series) {
    if (!series || series.verdict !== 'dropped' || picture.matches[series.number] !== 1) continue;
    const connections = picture.sums.connections[series.number] ?? 0;
    const packets = picture.sums.packets[series.number] ?? 0;
    if (connections === 0 && packets === 0) continue;
    rows.push({
      key: String(series.number),
      series,
      connections,
      packets,
      firstSeenMs: series.firstSeenMs,
      lastSeenMs: picture.lastSeenMs[series.number] ?? series.lastSeenMs,
    });
  }
  return rows;
}
