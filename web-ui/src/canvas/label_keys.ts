// The label keys that ends have: what could be grouped by.
import type { Picture } from '../model/picture';
import type { LabelSet } from '../model/series';

/** More choices than these are no choice. */
const MOST_KEYS = 60;

/** Keys without their source, those of the most ends first. Reserved names and networks are no keys. */
export function labelKeys(series: Picture['series']): readonly string[] {
  const sets = new Set<LabelSet>();
  for (const one of series) {
    if (one) sets.add(one.source).add(one.destination);
  }
  const counts = new Map<string, number>();
  for (const set of sets) {
    for (const label of set.labels) {
      const equals = label.indexOf('=');
      if (equals < 0 || /^(reserved|cidr|fqdn):/.test(label)) continue;
      const key = label.slice(label.indexOf(':', 0) < equals ? label.indexOf(':') + 1 : 0, equals);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts]
    .sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1))
    .slice(0, MOST_KEYS)
    .map(([key]) => key);
}
