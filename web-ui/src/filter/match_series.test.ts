// Filters against series; what series cannot answer is said.
import { describe, expect, it } from 'vitest';
import type { LabelSet, Series } from '../model/series';
import { seriesTest, unknownToSeries } from './match_series';
import { parseFilter } from './parse';
import { selectionOf } from './selection';

function set(number: number, namespace: string, labels: string[], workloads: string[] = []): LabelSet {
  return { number, key: `${number}`, labels, namespace, workloads, identities: [number], name: `${number}` };
}

const front = set(256, 'shop', ['k8s:role=frontend', 'k8s:tier=web'], ['Deployment/frontend']);
const db = set(320, 'shop', ['k8s:role=db']);
const world = set(2, '', ['reserved:world']);

const base: Series = {
  number: 1,
  source: front,
  destination: db,
  protocol: 6,
  port: 5432,
  direction: 'ingress',
  verdict: 'dropped',
  dropReason: 'POLICY_DENIED',
  node: 'default/node-c',
  counts: true,
  firstSeenMs: 0,
  lastSeenMs: 0,
  rule: {
    number: 3,
    description: 'CiliumNetworkPolicy/shop/db ingressDeny[0]',
    policies: [{ kind: 'CiliumNetworkPolicy', namespace: 'shop', name: 'db' }],
    section: 'ingressDeny',
    index: 0,
  },
};
const passed: Series = { ...base, verdict: 'forwarded', dropReason: '', node: '' };
const outside: Series = { ...base, source: world, protocol: 1, port: 8 };

const cases: [string, Series, boolean][] = [
  ['', base, true],
  ['--label role=db', base, true],
  ['--from-label role=db', base, false],
  ['--to-label role=db --from-label tier=web', base, true],
  ['--label role=frontend --label role=nobody', base, true],
  ['--not --label role=frontend', base, false],
  ['--not --to-label role=frontend', base, true],
  ['--namespace shop', base, true],
  ['--namespace other', base, false],
  ['--from-namespace shop', outside, false],
  ['--to-namespace shop', outside, true],
  ['--all-namespaces', base, true],
  ['--workload Deployment/frontend', base, true],
  ['--to-workload frontend', base, false],
  ['--identity world', outside, true],
  ['--from-identity 256', base, true],
  ['--port 5432', base, true],
  ['--port 5432 --label role=db', base, true],
  ['--port 5432 --label role=frontend', base, false],
  ['--to-port 80', base, false],
  ['--to-port 8', outside, false],
  ['--verdict DROPPED --verdict AUDIT', base, true],
  ['--verdict DROPPED', passed, false],
  ['--drop-reason-desc POLICY_DENY', base, false],
  ['--drop-reason-desc POLICY_DENIED', base, true],
  ['--drop-reason-desc POLICY_DENIED', passed, false],
  ['--protocol icmp', outside, true],
  ['--protocol TCP', outside, false],
  ['--traffic-direction ingress', base, true],
  ['--traffic-direction egress', base, false],
  ['--rule shop/db', base, true],
  ['--rule ingressDeny', base, true],
  ['--rule shop/d', base, true],
  ['--rule backend', base, false],
  ['--not --rule shop/db', base, false],
  ['--verdict DROPPED --node-name node-c', base, true],
  ['--verdict DROPPED --node-name "default/node-*"', base, true],
  ['--verdict DROPPED --node-name node-a', base, false],
];

describe('seriesTest', () => {
  it.each(cases)('%s', (text, series, expected) => {
    const filter = parseFilter(text);
    expect(filter.problems).toEqual([]);
    const selection = selectionOf(filter.terms);
    expect(unknownToSeries(selection)).toEqual([]);
    expect(seriesTest(selection)(series)).toBe(expected);
  });

  it.each([
    ['--pod shop/db', ['pod']],
    ['--ip 10.0.0.0/8', ['sourceIp', 'destinationIp']],
    ['--from-port 5432', ['sourcePort']],
    ['--tcp-flags syn', ['tcpFlags']],
    ['--node-name node-a', ['nodeName']],
    ['--not --node-name node-a', ['nodeName']],
    ['-4', ['ipVersion']],
    ['--protocol dns', ['protocol']],
    ['--namespace shop --pod db', ['pod']],
  ])('says that %s takes single flows', (text, fields) => {
    expect(unknownToSeries(selectionOf(parseFilter(text).terms))).toEqual(fields);
  });
});
