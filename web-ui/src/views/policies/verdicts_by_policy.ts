// What policies and their rules decided in the chosen range: connections by verdict, from the counted series.
import type { Picture } from '../../model/picture';
import type { Rule, Verdict } from '../../model/series';
import { policyKey } from '../../show/policy_link';

export type ByVerdict = Readonly<Record<Verdict, number>>;

export interface Decided {
  /** By `kind/namespace/name`. What a default deny of several policies dropped counts for each of them. */
  readonly policies: ReadonlyMap<string, ByVerdict>;
  /** By the policy's key and the rule's, with a space between them. */
  readonly rules: ReadonlyMap<string, ByVerdict>;
}

/** Of what no rule allows; nobody can write a rule of this name. */
export const DEFAULT_DENY = 'default deny';
export const NOTHING: ByVerdict = { forwarded: 0, audited: 0, dropped: 0 };

function ruleKey({ section, index }: Rule): string {
  return index === undefined ? DEFAULT_DENY : `${section}[${index}]`;
}

export function decidedBy(picture: Picture): Decided {
  const policies = new Map<string, Record<Verdict, number>>();
  const rules = new Map<string, Record<Verdict, number>>();
  const add = (sums: Map<string, Record<Verdict, number>>, key: string, verdict: Verdict, connections: number) => {
    const sum = sums.get(key) ?? { ...NOTHING };
    sum[verdict] += connections;
    sums.set(key, sum);
  };
  for (const series of picture.series) {
    if (!series?.rule || picture.matches[series.number] !== 1) continue;
    const connections = picture.sums.connections[series.number] ?? 0;
    if (connections === 0) continue;
    for (const policy of series.rule.policies) {
      const key = policyKey(policy);
      add(policies, key, series.verdict, connections);
      add(rules, `${key} ${ruleKey(series.rule)}`, series.verdict, connections);
    }
  }
  return { policies, rules };
}
