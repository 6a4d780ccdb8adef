// The policies of all nodes as one list: a rule's hits are those of every node together.
import type { GetAllPoliciesResponse } from '../../gen/tycho/v1/dashboard_pb';
import type { Policy, Rule } from '../../gen/tycho/v1/policies_pb';
import { policyKey } from '../../show/policy_link';

export interface RuleRow {
  readonly key: string;
  readonly section: string;
  readonly index: number;
  readonly description: string;
  readonly packets: number;
  readonly bytes: number;
  readonly lastHitMs: number;
}

export interface PolicyRow {
  readonly key: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly subject: string;
  readonly audited: boolean;
  readonly defaultDeny: string;
  readonly endpoints: number;
  readonly nodes: readonly string[];
  readonly source: string;
  readonly rules: readonly RuleRow[];
  readonly packets: number;
  readonly unused: number;
  readonly lastHitMs: number;
}

function ruleOf(rule: Rule): RuleRow {
  const lastHitMs = rule.lastHit ? Number(rule.lastHit.seconds) * 1000 : 0;
  return {
    key: `${rule.section}[${rule.index}]`,
    section: rule.section,
    index: rule.index,
    description: rule.description,
    packets: Number(rule.packets),
    bytes: Number(rule.bytes),
    lastHitMs,
  };
}

function mergeRules(lists: readonly (readonly Rule[])[]): RuleRow[] {
  const merged = new Map<string, RuleRow>();
  for (const one of lists.flat().map(ruleOf)) {
    const before = merged.get(one.key);
    merged.set(
      one.key,
      before
        ? {
            ...before,
            packets: before.packets + one.packets,
            bytes: before.bytes + one.bytes,
            lastHitMs: Math.max(before.lastHitMs, one.lastHitMs),
          }
        : one,
    );
  }
  return [...merged.values()];
}

export function policyRows(answer: GetAllPoliciesResponse): PolicyRow[] {
  const byKey = new Map<string, { policy: Policy; node: string }[]>();
  for (const { nodeName, policies } of answer.nodes) {
    for (const policy of policies) {
      if (!policy.name) continue;
      const key = policyKey(policy.name);
      byKey.set(key, [...(byKey.get(key) ?? []), { policy, node: nodeName }]);
    }
  }
  return [...byKey].map(([key, copies]) => {
    const { policy } = copies[0]!;
    const rules = mergeRules(copies.map((copy) => copy.policy.rules));
    const deny = [policy.defaultDenyIngress && 'ingress', policy.defaultDenyEgress && 'egress']
      .filter(Boolean)
      .join(', ');
    return {
      key,
      kind: policy.name?.kind ?? '',
      namespace: policy.name?.namespace ?? '',
      name: policy.name?.name ?? '',
      subject: policy.subject,
      audited: policy.audited,
      defaultDeny: deny,
      endpoints: copies.reduce((sum, copy) => sum + copy.policy.endpoints, 0),
      nodes: copies.map((copy) => copy.node),
      source: policy.source,
      rules,
      packets: rules.reduce((sum, rule) => sum + rule.packets, 0),
      unused: rules.filter((rule) => rule.packets === 0).length,
      lastHitMs: Math.max(0, ...rules.map((rule) => rule.lastHitMs)),
    };
  });
}

/** What differs between nodes, or is wrong on one: said above the table. */
export function problemsOf(answer: GetAllPoliciesResponse): string[] {
  return answer.nodes.filter((node) => node.problem !== '').map((node) => `${node.nodeName}: ${node.problem}`);
}

/** Since when hits are counted everywhere. */
export function countedSinceMs(answer: GetAllPoliciesResponse): number {
  return Math.max(0, ...answer.nodes.map((node) => (node.countedSince ? Number(node.countedSince.seconds) * 1000 : 0)));
}
