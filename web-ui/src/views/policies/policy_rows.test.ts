// Policies of several nodes become one row with the hits of all.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GetAllPoliciesResponseSchema } from '../../gen/tycho/v1/dashboard_pb';
import { EMPTY_PICTURE } from '../../model/use_picture';
import type { Series } from '../../model/series';
import { countedSinceMs, policyRows, problemsOf } from './policy_rows';
import { decidedBy } from './verdicts_by_policy';

const name = { kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'db' };
const rule = (index: number, packets: number, hit: number) => ({
  section: 'ingress',
  index,
  packets: BigInt(packets),
  ...(hit > 0 ? { lastHit: { seconds: BigInt(hit), nanos: 0 } } : {}),
});

const answer = create(GetAllPoliciesResponseSchema, {
  nodes: [
    {
      nodeName: 'a',
      countedSince: { seconds: 10n, nanos: 0 },
      policies: [{ name, endpoints: 1, rules: [rule(0, 5, 100), rule(1, 0, 0)] }],
    },
    {
      nodeName: 'b',
      problem: 'db.yaml:3: unknown field',
      countedSince: { seconds: 20n, nanos: 0 },
      policies: [{ name, endpoints: 2, rules: [rule(0, 7, 90), rule(1, 0, 0)] }],
    },
  ],
});

describe('policyRows', () => {
  it('adds up hits and finds unused rules', () => {
    expect(policyRows(answer)).toMatchObject([
      {
        key: 'CiliumNetworkPolicy/shop/db',
        endpoints: 3,
        nodes: ['a', 'b'],
        packets: 12,
        unused: 1,
        lastHitMs: 100_000,
      },
    ]);
    expect(problemsOf(answer)).toEqual(['b: db.yaml:3: unknown field']);
    expect(countedSinceMs(answer)).toBe(20_000);
  });

  it('tells what policies and rules decided in the range', () => {
    const other = { kind: 'NetworkPolicy', namespace: 'shop', name: 'all' };
    const series = [
      undefined,
      { number: 1, verdict: 'dropped', rule: { policies: [name], section: 'ingressDeny', index: 0 } },
      { number: 2, verdict: 'dropped', rule: { policies: [name, other], section: '' } },
      { number: 3, verdict: 'forwarded', rule: { policies: [name], section: 'ingress', index: 1 } },
      { number: 4, verdict: 'forwarded', rule: { policies: [name], section: 'ingress', index: 1 } },
    ] as unknown as Series[];
    const picture = {
      ...EMPTY_PICTURE,
      series,
      matches: Uint8Array.from([0, 1, 1, 1, 0]),
      sums: { ...EMPTY_PICTURE.sums, connections: Float64Array.from([0, 4, 2, 7, 9]) },
    };
    const { policies, rules } = decidedBy(picture);
    expect(Object.fromEntries(policies)).toEqual({
      'CiliumNetworkPolicy/shop/db': { forwarded: 7, audited: 0, dropped: 6 },
      'NetworkPolicy/shop/all': { forwarded: 0, audited: 0, dropped: 2 },
    });
    expect(Object.fromEntries(rules)).toEqual({
      'CiliumNetworkPolicy/shop/db ingressDeny[0]': { forwarded: 0, audited: 0, dropped: 4 },
      'CiliumNetworkPolicy/shop/db default deny': { forwarded: 0, audited: 0, dropped: 2 },
      'CiliumNetworkPolicy/shop/db ingress[1]': { forwarded: 7, audited: 0, dropped: 0 },
      'NetworkPolicy/shop/all default deny': { forwarded: 0, audited: 0, dropped: 2 },
    });
  });
});
