// The layouts of this page's life: a view that is left and entered again looks as before.
import type { Grouping } from '../../model/group_series';
import { MapLayout, type Member } from './layout';

/** Grows only when somebody asks for another arrangement. */
const kept = new Map<string, MapLayout>();

function shapeOfScreen(): number {
  // The map's frame: without header and bars. It need not be exact, and must not change with every pixel.
  return Math.min(Math.max(innerWidth / Math.max(innerHeight - 240, 200), 0.4), 3);
}

/** The layout for a grouping, with a place for each of the members; another `arrangement` is another layout. */
export function layoutFor(grouping: Grouping, members: readonly Member[], arrangement: number): MapLayout {
  const key = JSON.stringify([grouping.by === 'identity' ? { by: 'namespace' } : grouping, arrangement]);
  let layout = kept.get(key);
  if (!layout) {
    layout = new MapLayout(shapeOfScreen());
    kept.set(key, layout);
  }
  layout.place(members);
  return layout;
}
