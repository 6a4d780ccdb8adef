// Which box of the map an identity stands in, by the chosen grouping.
import { groupOf, type Grouping } from '../../model/group_series';
import type { Picture } from '../../model/picture';
import type { LabelSet } from '../../model/series';
import type { Member } from './layout';

/** What is in no namespace, and so in no group of the cluster. */
export const OUTSIDE = { key: '', name: 'world and nodes' };

function boxOf(set: LabelSet, grouping: Grouping): { key: string; name: string } {
  // A box for each identity would be no box: single identities stand in their namespace.
  const group = groupOf(set, grouping.by === 'identity' ? { by: 'namespace' } : grouping);
  if (group.key !== set.key) return group;
  return set.namespace ? { key: `ns:${set.namespace}`, name: set.namespace } : OUTSIDE;
}

export interface Boxes {
  /** In the order of names, so that first places are the same after each loading. */
  readonly members: readonly (Member & { readonly name: string })[];
  readonly names: ReadonlyMap<string, string>;
}

/** Of all identities, also of those that do not match: a filter changes what stands out, not where it is. */
export function boxesOf(series: Picture['series'], grouping: Grouping): Boxes {
  const sets = new Set<LabelSet>();
  for (const one of series) {
    if (one) sets.add(one.source).add(one.destination);
  }
  const names = new Map<string, string>();
  const members = [...sets].map((set) => {
    const box = boxOf(set, grouping);
    names.set(box.key, box.name);
    return { key: set.key, box: box.key, name: set.name };
  });
  members.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.key < b.key ? -1 : 1));
  return { members, names };
}
