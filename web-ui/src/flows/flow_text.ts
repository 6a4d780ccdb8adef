// A flow in the words and columns of `tycho observe`.
import {
  DropReason,
  TrafficDirection,
  Verdict as WireVerdict,
  type Endpoint,
  type Flow,
  type Policy,
} from '../gen/flow/flow_pb';
import type { GetFlowsResponse } from '../gen/tycho/v1/flows_pb';
import { OBSERVATION_POINTS } from '../filter/flag';
import { identityText } from '../filter/identity';
import type { Verdict } from '../model/series';

const DROP = 1;
const TRACE = 4;
export const POLICY_VERDICT = 5;

const MATCH_TYPES = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only'];

export function flowOf(response: GetFlowsResponse): Flow | undefined {
  return response.responseTypes.case === 'flow' ? response.responseTypes.value : undefined;
}

export function matchTypeText(flow: Flow): string {
  return MATCH_TYPES[flow.policyMatchType] ?? String(flow.policyMatchType);
}

/** `POLICY_DENIED` as `Policy denied`. */
export function reasonText(reason: DropReason | string): string {
  const name = typeof reason === 'string' ? reason : (DropReason[reason] ?? String(reason));
  const words = name.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function typeText(flow: Flow): string {
  const { type = 0, subType = 0 } = flow.eventType ?? {};
  switch (type) {
    case DROP:
      return reasonText(flow.dropReasonDesc);
    case TRACE:
      return OBSERVATION_POINTS[subType] ?? String(subType);
    case POLICY_VERDICT:
      return `policy-verdict:${matchTypeText(flow)} ${TrafficDirection[flow.trafficDirection]}`;
    default:
      return 'UNKNOWN';
  }
}

export function verdictOf(flow: Flow): Verdict {
  if (flow.verdict === WireVerdict.DROPPED || flow.verdict === WireVerdict.ERROR) return 'dropped';
  return flow.verdict === WireVerdict.AUDIT ? 'audited' : 'forwarded';
}

export function verdictText(flow: Flow): string {
  const verdict = verdictOf(flow);
  if (flow.eventType?.type !== POLICY_VERDICT) return WireVerdict[flow.verdict] ?? '';
  return { forwarded: 'ALLOWED', dropped: 'DENIED', audited: 'AUDITED' }[verdict];
}

export function decidingPolicies(flow: Flow): readonly Policy[] {
  const ingress = flow.trafficDirection === TrafficDirection.INGRESS;
  const dropped = verdictOf(flow) === 'dropped';
  if (ingress) return dropped ? flow.ingressDeniedBy : flow.ingressAllowedBy;
  return dropped ? flow.egressDeniedBy : flow.egressAllowedBy;
}

export function policyText({ namespace, name }: { namespace: string; name: string }): string {
  return namespace ? `${namespace}/${name}` : name;
}

export function ports(flow: Flow): { protocol: string; source: number; destination: number; number: number } {
  const l4 = flow.l4?.protocol;
  switch (l4?.case) {
    case 'TCP':
      return { protocol: 'tcp', number: 6, source: l4.value.sourcePort, destination: l4.value.destinationPort };
    case 'UDP':
      return { protocol: 'udp', number: 17, source: l4.value.sourcePort, destination: l4.value.destinationPort };
    case 'SCTP':
      return { protocol: 'sctp', number: 132, source: l4.value.sourcePort, destination: l4.value.destinationPort };
    case 'ICMPv4':
      return { protocol: 'icmpv4', number: 1, source: 0, destination: 0 };
    case 'ICMPv6':
      return { protocol: 'icmpv6', number: 58, source: 0, destination: 0 };
    default:
      return { protocol: '', number: 0, source: 0, destination: 0 };
  }
}

export interface FlowEnd {
  readonly name: string;
  readonly port: number;
  readonly ip: string;
  readonly pod: string;
  readonly identity: string;
  readonly endpoint: Endpoint | undefined;
}

function endOf(endpoint: Endpoint | undefined, ip: string, port: number, names: readonly string[]): FlowEnd {
  const pod = endpoint?.podName
    ? endpoint.namespace
      ? `${endpoint.namespace}/${endpoint.podName}`
      : endpoint.podName
    : '';
  return {
    name: pod || names.join(',') || ip,
    port,
    ip,
    pod,
    identity: identityText(endpoint?.identity ?? 0),
    endpoint,
  };
}

export function endsOf(flow: Flow): { source: FlowEnd; destination: FlowEnd } {
  const { source, destination } = ports(flow);
  return {
    source: endOf(flow.source, flow.IP?.source ?? flow.ethernet?.source ?? '', source, flow.sourceNames),
    destination: endOf(
      flow.destination,
      flow.IP?.destination ?? flow.ethernet?.destination ?? '',
      destination,
      flow.destinationNames,
    ),
  };
}

export function isReply(flow: Flow): boolean | undefined {
  return flow.isReply;
}
