// What policies decided in the chosen range: connections by verdict, from the counted series.
import type { Picture } from '../../model/picture';
import type { Verdict } from '../../model/series';

export type ByVerdict = Readonly<Record<Verdict, number>>;

/** By `kind/namespace/name`. What a default deny of several policies dropped counts for each of them. */
export function verdictsByPolicy(picture: Picture): ReadonlyMap<string, ByVerdict> {
  const sums = new Map<string, Record<Verdict, number>>();
  for (const series of picture.series) {
    if (!series?.rule || picture.matches[series.number] !== 1) continue;
    const connections = picture.sums.connections[series.number] ?? 0;
    if (connections === 0) continue;
    for (const { kind, namespace, name } of series.rule.policies) {
      const key = `${kind}/${namespace ? `${namespace}/` : ''}${name}`;
      const sum = sums.get(key) ?? { forwarded: 0, audited: 0, dropped: 0 };
      sum[series.verdict] += connections;
      sums.set(key, sum);
    }
  }
  return sums;
}
