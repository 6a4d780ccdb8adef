// What a grouping makes of label sets: the groups that they belong to.
import type { LabelSet } from './series';

export type Grouping = { by: 'namespace' } | { by: 'workload' } | { by: 'identity' } | { by: 'label'; key: string };

export interface Group {
  /** The same on every server: fit for links and for remembered positions. */
  readonly key: string;
  readonly name: string;
  /** The group that was expanded to show this identity. */
  readonly parent?: string;
  readonly namespace: string;
  readonly members: readonly LabelSet[];
}

/** Value of a label key, whatever its source; `''` if the set has none. */
export function labelValue(set: LabelSet, key: string): string {
  for (const label of set.labels) {
    const equals = label.indexOf('=');
    const named = equals < 0 ? label : label.slice(0, equals);
    const colon = named.indexOf(':');
    if (named === key || (colon >= 0 && named.slice(colon + 1) === key)) {
      return equals < 0 ? '' : label.slice(equals + 1);
    }
  }
  return '';
}

/** Ends without namespace (world, host, networks) stand for themselves, whatever the grouping. */
export function groupOf(set: LabelSet, grouping: Grouping): { key: string; name: string } {
  switch (grouping.by) {
    case 'identity':
      return { key: set.key, name: set.name };
    case 'namespace':
      return set.namespace ? { key: `ns:${set.namespace}`, name: set.namespace } : { key: set.key, name: set.name };
    case 'workload': {
      const workload = set.workloads[0];
      if (!workload) return { key: set.key, name: set.name };
      const name = workload.slice(workload.indexOf('/') + 1);
      return {
        key: `wl:${set.namespace}/${workload}`,
        name: set.namespace ? `${set.namespace}/${name}` : name,
      };
    }
    case 'label': {
      const value = labelValue(set, grouping.key);
      if (value) return { key: `lb:${value}`, name: `${grouping.key}=${value}` };
      return set.namespace ? { key: 'lb:', name: `without ${grouping.key}` } : { key: set.key, name: set.name };
    }
  }
}
