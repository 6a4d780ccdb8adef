// What `tycho observe -o json` tells of policies, rules, endpoints and nodes, for the views that have no edges.
import { attempts, VERDICTS, type Line, type Verdict } from './truth';

export type Counts = Record<Verdict, number>;

/** New connections by the rule that decided about them, as flows call it. */
export function decidedByRule(lines: readonly Line[]): Map<string, Counts> {
  const rules = new Map<string, Counts>();
  for (const told of lines) {
    const verdict = VERDICTS[told.flow?.verdict ?? ''];
    const rule = told.tycho?.rule_name;
    const count = attempts(told);
    if (!verdict || !rule || count === 0) continue;
    const counts = rules.get(rule) ?? { forwarded: 0, audited: 0, dropped: 0 };
    counts[verdict] += count;
    rules.set(rule, counts);
  }
  return rules;
}

/** The same by policy. A rule's name has its policy's; a default deny names all that ask for it. */
export function decidedByPolicy(rules: ReadonlyMap<string, Counts>): Map<string, Counts> {
  const policies = new Map<string, Counts>();
  for (const [rule, counts] of rules) {
    for (const policy of rule.match(/[A-Za-z]+\/[a-z0-9-]+\/[a-z0-9-]+/g) ?? []) {
      const sum = policies.get(policy) ?? { forwarded: 0, audited: 0, dropped: 0 };
      for (const verdict of ['forwarded', 'audited', 'dropped'] as const) sum[verdict] += counts[verdict];
      policies.set(policy, sum);
    }
  }
  return policies;
}

/** `<namespace>/<pod> <identity>` of all ends of flows that are pods. */
export function endsOf(lines: readonly Line[]): Set<string> {
  const ends = lines.flatMap(({ flow }) => [flow?.source, flow?.destination]);
  return new Set(ends.flatMap((end) => (end?.pod_name ? [`${end.namespace}/${end.pod_name} ${end.identity}`] : [])));
}

/** Attempts that were dropped, by node. */
export function droppedByNode(lines: readonly Line[]): Record<string, number> {
  const nodes: Record<string, number> = {};
  for (const told of lines) {
    if (told.flow?.verdict !== 'DROPPED') continue;
    const count = attempts(told);
    if (count > 0) nodes[told.flow.node_name] = (nodes[told.flow.node_name] ?? 0) + count;
  }
  return nodes;
}
