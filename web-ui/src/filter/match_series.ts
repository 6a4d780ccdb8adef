// Whether a counted series passes a filter; and whether series know enough to say so.
//
// A series is about connections: its source is who opened them. The flags read so here; of single flows a reply's source
// is who answered.
import { DropReason, TrafficDirection, Verdict, type FlowFilter } from '../gen/flow/flow_pb';
import type { LabelSet, Series } from '../model/series';
import { parseSelector, selectorMatches } from './selector';
import type { Selection } from './selection';

type Test = (series: Series) => boolean;

const PROTOCOLS: Readonly<Record<string, readonly number[]>> = {
  icmp: [1, 58],
  icmpv4: [1],
  icmpv6: [58],
  tcp: [6],
  udp: [17],
  sctp: [132],
  igmp: [2],
  vrrp: [112],
};

const VERDICT_OF: Readonly<Record<Series['verdict'], Verdict>> = {
  forwarded: Verdict.FORWARDED,
  audited: Verdict.AUDIT,
  dropped: Verdict.DROPPED,
};

/** Fields that series can be held against; `sourcePort` only as the other half of --port. */
const KNOWN = new Set<string>([
  'sourceLabel',
  'destinationLabel',
  'sourcePod',
  'destinationPod',
  'sourceWorkload',
  'destinationWorkload',
  'sourceIdentity',
  'destinationIdentity',
  'destinationPort',
  'verdict',
  'dropReasonDesc',
  'protocol',
  'trafficDirection',
]);

function isSet(filter: FlowFilter, field: string): boolean {
  const value = (filter as unknown as Record<string, unknown>)[field];
  return Array.isArray(value) && value.length > 0;
}

function fieldsOf(filter: FlowFilter): string[] {
  return Object.keys(filter).filter((field) => isSet(filter, field));
}

const onlyDrops = (filter: FlowFilter) =>
  filter.dropReasonDesc.length > 0 ||
  (filter.verdict.length > 0 && filter.verdict.every((verdict) => verdict === Verdict.DROPPED));

/** The half of --port that asks for the source's port: of connections only the destination's port is counted. */
function isReplyHalf(list: readonly FlowFilter[], filter: FlowFilter): boolean {
  const other = list.find((one) => one !== filter);
  return (
    filter.sourcePort.length > 0 &&
    filter.destinationPort.length === 0 &&
    other !== undefined &&
    other.sourcePort.length === 0 &&
    other.destinationPort.join() === filter.sourcePort.join()
  );
}

/** Fields of the selection that series do not have: it takes single flows to answer. Empty if series are enough. */
export function unknownToSeries(selection: Selection): string[] {
  const unknown = new Set<string>();
  const dropsOnly = selection.whitelist.length > 0 && selection.whitelist.every(onlyDrops);
  for (const list of [selection.whitelist, selection.blacklist]) {
    for (const filter of list) {
      if (isReplyHalf(list, filter)) continue;
      for (const field of fieldsOf(filter)) {
        // What passed is counted of any node together.
        if (field === 'nodeName' && dropsOnly) continue;
        if (!KNOWN.has(field)) unknown.add(field);
      }
      for (const pod of [...filter.sourcePod, ...filter.destinationPod]) {
        if (!pod.endsWith('/')) unknown.add('pod');
      }
      for (const protocol of filter.protocol) if (!PROTOCOLS[protocol.toLowerCase()]) unknown.add('protocol');
    }
  }
  return [...unknown];
}

function inNamespace(set: LabelSet, pod: string): boolean {
  const namespace = pod.slice(0, -1);
  return namespace === '' ? set.namespace !== '' : set.namespace === namespace;
}

function isWorkload(set: LabelSet, kind: string, name: string): boolean {
  return set.workloads.some((workload) => {
    const slash = workload.indexOf('/');
    return (kind === '' || workload.slice(0, slash) === kind) && (name === '' || workload.slice(slash + 1) === name);
  });
}

function nodePattern(pattern: string): RegExp {
  const [cluster, node] = pattern.includes('/') ? pattern.split('/') : ['', pattern];
  const part = (text: string | undefined) =>
    text
      ? text
          .toLowerCase()
          .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('*', '[-.0-9a-z]*')
      : '[^/]*';
  return new RegExp(`^${part(cluster)}/${part(node)}$`);
}

/** Which end a test of a set is about, kept per set: a thousand sets stand behind ten thousand series. */
function ofSet(side: 'source' | 'destination', test: (set: LabelSet) => boolean): Test {
  const known = new Map<LabelSet, boolean>();
  return (series) => {
    const set = series[side];
    let answer = known.get(set);
    if (answer === undefined) {
      answer = test(set);
      known.set(set, answer);
    }
    return answer;
  };
}

function endTests(filter: FlowFilter, side: 'source' | 'destination'): Test[] {
  const labels = filter[`${side}Label`].map(parseSelector);
  const pods = filter[`${side}Pod`];
  const workloads = filter[`${side}Workload`];
  const identities = filter[`${side}Identity`];
  const tests: Test[] = [];
  if (labels.length > 0) {
    tests.push(ofSet(side, (set) => labels.some((selector) => selectorMatches(selector, set.labels))));
  }
  if (pods.length > 0) tests.push(ofSet(side, (set) => pods.some((pod) => inNamespace(set, pod))));
  if (workloads.length > 0) {
    tests.push(ofSet(side, (set) => workloads.some(({ kind, name }) => isWorkload(set, kind, name))));
  }
  if (identities.length > 0) {
    tests.push(ofSet(side, (set) => identities.some((identity) => set.identities.includes(identity))));
  }
  return tests;
}

function testOf(filter: FlowFilter): Test {
  const tests = [...endTests(filter, 'source'), ...endTests(filter, 'destination')];
  const { verdict, dropReasonDesc, destinationPort, protocol, trafficDirection, nodeName } = filter;
  if (destinationPort.length > 0) {
    const ports = new Set(destinationPort.map(Number));
    tests.push((series) => [6, 17, 132].includes(series.protocol) && ports.has(series.port));
  }
  if (verdict.length > 0) tests.push((series) => verdict.includes(VERDICT_OF[series.verdict]));
  if (dropReasonDesc.length > 0) {
    const reasons = new Set(dropReasonDesc.map((reason) => DropReason[reason]));
    tests.push((series) => series.verdict === 'dropped' && reasons.has(series.dropReason));
  }
  if (protocol.length > 0) {
    const numbers = new Set(protocol.flatMap((name) => PROTOCOLS[name.toLowerCase()] ?? []));
    tests.push((series) => numbers.has(series.protocol));
  }
  if (trafficDirection.length > 0) {
    const wanted = trafficDirection.map((one) => (one === TrafficDirection.EGRESS ? 'egress' : 'ingress'));
    tests.push((series) => wanted.includes(series.direction));
  }
  if (nodeName.length > 0) {
    const patterns = nodeName.map(nodePattern);
    tests.push((series) => patterns.some((pattern) => pattern.test(series.node)));
  }
  return (series) => tests.every((test) => test(series));
}

/** The rule in question, by any part of what it is called. */
export function ruleMatches(
  description: string,
  policies: readonly { namespace: string; name: string }[],
  text: string,
) {
  return (
    description.includes(text) ||
    policies.some(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name) === text)
  );
}

/**
 * A test of series. What a filter asks beyond series is not tested here: then the server counts single flows, and all
 * series that it tells of match.
 */
export function seriesTest(selection: Selection): Test {
  const { whitelist, blacklist, rules, notRules } = selection;
  const answered = unknownToSeries(selection).length === 0;
  const compile = (list: readonly FlowFilter[]) =>
    answered ? list.filter((filter) => !isReplyHalf(list, filter)).map(testOf) : [];
  const allow = compile(whitelist);
  const deny = compile(blacklist);
  const byRule = (series: Series, texts: readonly string[]) =>
    texts.some((text) => series.rule !== undefined && ruleMatches(series.rule.description, series.rule.policies, text));
  return (series) =>
    (allow.length === 0 || allow.some((test) => test(series))) &&
    !deny.some((test) => test(series)) &&
    (rules.length === 0 || byRule(series, rules)) &&
    !byRule(series, notRules);
}
