// Which grouping keeps a matrix readable: the wanted one, or the next coarser that has few enough rows.
import { groupOf, type Grouping } from '../../model/group_series';
import type { Picture } from '../../model/picture';
import type { LabelSet } from '../../model/series';

/** Rows beyond this are thinner than a line of text on any screen. */
export const MOST_ROWS = 300;

export interface Readable {
  readonly grouping: Grouping;
  /** Nodes that the wanted grouping would have. */
  readonly wanted: number;
}

function matchingSets(picture: Pick<Picture, 'series' | 'matches'>): Set<LabelSet> {
  const sets = new Set<LabelSet>();
  for (const series of picture.series) {
    if (series && picture.matches[series.number] === 1) sets.add(series.source).add(series.destination);
  }
  return sets;
}

export function readableGrouping(picture: Pick<Picture, 'series' | 'matches'>, wanted: Grouping): Readable {
  const sets = [...matchingSets(picture)];
  const count = (grouping: Grouping) => new Set(sets.map((set) => groupOf(set, grouping).key)).size;
  const coarser: Grouping[] = wanted.by === 'identity' ? [{ by: 'workload' }, { by: 'namespace' }] : [];
  if (wanted.by === 'workload' || wanted.by === 'label') coarser.push({ by: 'namespace' });
  const all = count(wanted);
  if (all <= MOST_ROWS) return { grouping: wanted, wanted: all };
  const fits = coarser.find((grouping) => count(grouping) <= MOST_ROWS);
  return { grouping: fits ?? coarser.at(-1) ?? wanted, wanted: all };
}
