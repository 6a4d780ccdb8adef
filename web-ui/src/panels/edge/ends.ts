// One end of an edge by its key: which identities it means, and how a filter says it.
import type { Term } from '../../filter/parse';
import { groupOf, type Grouping } from '../../model/group_series';
import type { Picture } from '../../model/picture';
import type { LabelSet } from '../../model/series';

export type Side = 'from' | 'to';

export interface End {
  readonly key: string;
  readonly name: string;
  readonly sets: ReadonlySet<LabelSet>;
  /** Flags that select it on a side; none if a filter cannot say it. */
  readonly terms: (side: Side) => readonly Term[];
}

/** Keys begin with what they were grouped by; all others are keys of identities. */
function groupingOfKey(key: string, grouping: Grouping): Grouping {
  if (key.startsWith('ns:')) return { by: 'namespace' };
  if (key.startsWith('wl:')) return { by: 'workload' };
  if (key.startsWith('lb:') && grouping.by === 'label') return grouping;
  return { by: 'identity' };
}

export function endOf(series: Picture['series'], key: string, grouping: Grouping): End | undefined {
  const by = groupingOfKey(key, grouping);
  const sets = new Set<LabelSet>();
  let name = key;
  for (const one of series) {
    if (!one) continue;
    for (const set of [one.source, one.destination]) {
      if (sets.has(set)) continue;
      const group = groupOf(set, by);
      if (group.key !== key) continue;
      sets.add(set);
      name = group.name;
    }
  }
  return sets.size === 0 ? undefined : { key, name, sets, terms: (side) => termsOf(key, by, sets, side) };
}

function termsOf(key: string, by: Grouping, sets: ReadonlySet<LabelSet>, side: Side): readonly Term[] {
  const term = (flag: string, value: string): Term => ({ flag: `${side}-${flag}`, value, not: false });
  switch (by.by) {
    case 'namespace':
      return [term('namespace', key.slice(3))];
    case 'workload': {
      const [namespace, kind, name] = key.slice(3).split('/');
      const workload = term('workload', `${kind}/${name}`);
      return namespace ? [term('namespace', namespace), workload] : [workload];
    }
    case 'label':
      // What is in no namespace stands for itself, also if it lacks the label.
      return [term('label', key === 'lb:' ? `!${by.key},io.kubernetes.pod.namespace` : `${by.key}=${key.slice(3)}`)];
    case 'identity': {
      const [set] = sets;
      return set ? identityTerms(set, term) : [];
    }
  }
}

function identityTerms(set: LabelSet, term: (flag: string, value: string) => Term): readonly Term[] {
  const reserved = set.labels.find((label) => label.startsWith('reserved:'));
  if (set.labels.length === 1 && reserved) return [term('identity', reserved.slice('reserved:'.length))];
  // Labels mean the same on every node; numbers of identities may not.
  const own = set.labels.filter((label) => !label.startsWith('reserved:') && !label.startsWith('cidr:'));
  if (own.length > 0) {
    // Labels that are made of the namespace's say nothing that the namespace's name does not.
    const telling = own.filter((label) => !/^k8s:io\.(kubernetes|cilium)\./.test(label));
    const selector = (telling.length > 0 ? telling : own).join(',');
    return set.namespace ? [term('namespace', set.namespace), term('label', selector)] : [term('label', selector)];
  }
  return set.identities[0] === undefined ? [] : [term('identity', String(set.identities[0]))];
}
