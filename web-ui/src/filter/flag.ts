// The filter flags: those of `tycho observe`, with what their values do to a request's filters, and --rule of this page.
import { DropReason, IPVersion, TrafficDirection, Verdict, type FlowFilter } from '../gen/flow/flow_pb';
import { parseIdentity } from './identity';
import { BadSelector, parseSelector } from './selector';

/** Filters under construction: one for the source's end, one for the destination's. */
export interface Pair {
  source: FlowFilter;
  destination: FlowFilter;
  namespaces: { either: string[]; source: string[]; destination: string[] };
  rules: string[];
}

/** Why a value is refused. */
export class BadValue extends Error {}

export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help; absent of a switch. */
  readonly value?: string;
  readonly help: string;
  readonly apply: (pair: Pair, value: string) => void;
}

type Lists = { [K in keyof FlowFilter]: FlowFilter[K] extends (infer Item)[] ? Item : never };

function push<K extends keyof FlowFilter>(filter: FlowFilter, field: K, value: Lists[K]): void {
  (filter[field] as Lists[K][]).push(value);
}

/** The three forms of a flag about ends: either end, from, to. */
function ends<S extends keyof FlowFilter, D extends keyof FlowFilter>(
  name: string,
  value: string,
  help: string,
  source: S,
  destination: D,
  read: (text: string) => Lists[S] & Lists[D],
  short?: string,
): Flag[] {
  const either: Flag = {
    name,
    value,
    help: `an end ${help}`,
    apply: (pair, text) => {
      push(pair.source, source, read(text));
      push(pair.destination, destination, read(text));
    },
  };
  return [
    short ? { ...either, short } : either,
    { name: `from-${name}`, value, help: `the source ${help}`, apply: (pair, text) => both(pair, source, read(text)) },
    {
      name: `to-${name}`,
      value,
      help: `the destination ${help}`,
      apply: (pair, text) => both(pair, destination, read(text)),
    },
  ];
}

function both<K extends keyof FlowFilter>(pair: Pair, field: K, value: Lists[K]): void {
  push(pair.source, field, value);
  push(pair.destination, field, value);
}

function plain<K extends keyof FlowFilter>(
  name: string,
  value: string,
  help: string,
  field: K,
  read: (text: string) => Lists[K],
  short?: string,
): Flag {
  const flag: Flag = { name, value, help, apply: (pair, text) => both(pair, field, read(text)) };
  return short ? { ...flag, short } : flag;
}

const asIs = (text: string) => text;

function selector(text: string): string {
  try {
    parseSelector(text);
  } catch (error) {
    if (error instanceof BadSelector) throw new BadValue(error.message);
    throw error;
  }
  return text;
}

function port(text: string): string {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) throw new BadValue('a port is a number from 0 to 65535');
  return String(Number(text));
}

function address(text: string): string {
  const [ip = '', length, ...rest] = text.split('/');
  const longest = /^\d{1,3}(\.\d{1,3}){3}$/.test(ip) ? 32 : /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(ip) ? 128 : -1;
  const valid =
    rest.length === 0 &&
    longest > 0 &&
    (longest === 128 || ip.split('.').every((part) => Number(part) < 256)) &&
    (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= longest));
  if (!valid) throw new BadValue('it is not an address (10.1.0.11, fd00::11) or a range (10.1.0.0/16)');
  return text;
}

function oneOf<T>(what: string, values: Readonly<Record<string, T>>) {
  return (text: string): T => {
    const value = values[text.toLowerCase()] ?? values[text];
    if (value === undefined) throw new BadValue(`it is not one of ${what}`);
    return value;
  };
}

function dropReason(text: string): DropReason {
  const value = (DropReason as unknown as Record<string, DropReason | undefined>)[text];
  if (value === undefined || /^\d/.test(text)) {
    throw new BadValue('it is a name such as POLICY_DENIED, POLICY_DENY or INVALID_SOURCE_IP');
  }
  return value;
}

const PROTOCOLS = ['icmp', 'icmpv4', 'icmpv6', 'tcp', 'udp', 'sctp', 'vrrp', 'igmp', 'dns', 'http', 'kafka'];

function protocol(text: string): string {
  if (!PROTOCOLS.includes(text.toLowerCase())) throw new BadValue(`it is not one of ${PROTOCOLS.join(', ')}`);
  return text;
}

const KINDS = [
  'cronjob',
  'daemonset',
  'deployment',
  'job',
  'pod',
  'replicaset',
  'replicationcontroller',
  'statefulset',
];

function workload(text: string) {
  const slash = text.indexOf('/');
  const [kind, name] =
    slash >= 0
      ? [text.slice(0, slash), text.slice(slash + 1)]
      : KINDS.includes(text.toLowerCase())
        ? [text, '']
        : ['', text];
  return { $typeName: 'flow.Workload' as const, kind, name };
}

function identity(text: string): number {
  const number = parseIdentity(text);
  if (number === undefined) throw new BadValue('an identity is a number or a reserved name such as world');
  return number;
}

function tcpFlags(text: string) {
  const flags = {
    FIN: false,
    SYN: false,
    RST: false,
    PSH: false,
    ACK: false,
    URG: false,
    ECE: false,
    CWR: false,
    NS: false,
  };
  for (const name of text.toUpperCase().split(',')) {
    if (!(name in flags)) throw new BadValue('the flags are fin, syn, rst, psh, ack, urg, ece, cwr, ns');
    flags[name as keyof typeof flags] = true;
  }
  return { $typeName: 'flow.TCPFlags' as const, ...flags };
}

const EVENT_TYPES: Record<string, number> = {
  drop: 1,
  debug: 2,
  capture: 3,
  trace: 4,
  'policy-verdict': 5,
  recorder: 6,
  'trace-sock': 7,
  l7: 129,
  agent: 130,
  unspec: 0,
};

export const OBSERVATION_POINTS = [
  'to-endpoint',
  'to-proxy',
  'to-host',
  'to-stack',
  'to-overlay',
  'from-endpoint',
  'from-proxy',
  'from-host',
  'from-stack',
  'from-overlay',
  'from-network',
  'to-network',
  'from-crypto',
  'to-crypto',
];

function eventType(text: string) {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const sub = colon < 0 ? undefined : text.slice(colon + 1);
  const number = (value: string) => (/^\d+$/.test(value) ? Number(value) : undefined);
  const type = EVENT_TYPES[name] ?? number(name);
  if (type === undefined) throw new BadValue(`it is not one of ${Object.keys(EVENT_TYPES).join(', ')}`);
  const point = sub === undefined ? -1 : OBSERVATION_POINTS.indexOf(sub);
  const subType = sub === undefined ? 0 : type === 4 && point >= 0 ? point : number(sub);
  if (subType === undefined) throw new BadValue(`“${sub}” is no sub-type of ${name}`);
  return { $typeName: 'flow.EventTypeFilter' as const, type, matchSubType: sub !== undefined, subType };
}

function namespaceFlags(): Flag[] {
  const forms = [
    ['', 'either', 'an end is', 'n', 'A'],
    ['from-', 'source', 'the source is', undefined, undefined],
    ['to-', 'destination', 'the destination is', undefined, undefined],
  ] as const;
  return forms.flatMap(([prefix, side, help, short, all]) => {
    const named: Flag = {
      name: `${prefix}namespace`,
      value: 'NAMESPACE',
      help: `${help} in this namespace`,
      apply: (pair, text) => pair.namespaces[side].push(text),
    };
    const any: Flag = {
      name: `${prefix}all-namespaces`,
      help: `${help} in any namespace`,
      apply: (pair) => pair.namespaces[side].push(''),
    };
    return [short ? { ...named, short } : named, all ? { ...any, short: all } : any];
  });
}

const VERDICTS = {
  FORWARDED: Verdict.FORWARDED,
  DROPPED: Verdict.DROPPED,
  AUDIT: Verdict.AUDIT,
  REDIRECTED: Verdict.REDIRECTED,
  ERROR: Verdict.ERROR,
  TRACED: Verdict.TRACED,
  TRANSLATED: Verdict.TRANSLATED,
};

const VERSIONS = {
  '4': IPVersion.IPv4,
  v4: IPVersion.IPv4,
  ip4: IPVersion.IPv4,
  ipv4: IPVersion.IPv4,
  '6': IPVersion.IPv6,
  v6: IPVersion.IPv6,
  ip6: IPVersion.IPv6,
  ipv6: IPVersion.IPv6,
  none: IPVersion.IP_NOT_USED,
};

export const FLAGS: readonly Flag[] = [
  ...ends('label', 'SELECTOR', 'has labels that match', 'sourceLabel', 'destinationLabel', selector, 'l'),
  ...namespaceFlags(),
  ...ends('workload', '[KIND/]NAME', 'is of this workload', 'sourceWorkload', 'destinationWorkload', workload),
  ...ends('identity', 'IDENTITY', 'has this identity', 'sourceIdentity', 'destinationIdentity', identity),
  ...ends('port', 'PORT', 'has this port', 'sourcePort', 'destinationPort', port),
  plain('verdict', 'VERDICT', 'decided so', 'verdict', (text) =>
    oneOf(Object.keys(VERDICTS).join(', '), VERDICTS)(text.toUpperCase()),
  ),
  plain('drop-reason-desc', 'REASON', 'dropped for this reason', 'dropReasonDesc', dropReason),
  {
    name: 'rule',
    value: 'TEXT',
    help: 'decided by a rule whose description has this; on this page only',
    apply: (pair, text) => pair.rules.push(text),
  },
  plain('protocol', 'PROTOCOL', 'of this protocol', 'protocol', protocol),
  plain(
    'traffic-direction',
    'DIRECTION',
    'judged at the source (egress) or the destination (ingress)',
    'trafficDirection',
    oneOf('ingress, egress', { ingress: TrafficDirection.INGRESS, egress: TrafficDirection.EGRESS }),
  ),
  plain('node-name', 'PATTERN', 'seen on this node; * is any part', 'nodeName', asIs),
  ...ends('pod', '[NS/]PREFIX', 'is a pod whose name begins so', 'sourcePod', 'destinationPod', asIs),
  ...ends('ip', 'IP|CIDR', 'is at this address or in this range', 'sourceIp', 'destinationIp', address),
  plain('snat-ip', 'IP|CIDR', 'whose source was translated to it', 'sourceIpXlated', address),
  ...ends('service', '[NS/]PREFIX', 'is a service whose name begins so', 'sourceService', 'destinationService', asIs),
  ...ends('fqdn', 'PATTERN', 'has a domain name that matches', 'sourceFqdn', 'destinationFqdn', asIs),
  ...ends('cluster', 'NAME', 'is in this cluster', 'sourceClusterName', 'destinationClusterName', asIs),
  plain('type', 'TYPE[:SUBTYPE]', 'of this event type', 'eventType', eventType, 't'),
  plain('tcp-flags', 'FLAGS', 'with all of these TCP flags', 'tcpFlags', tcpFlags),
  plain('ip-version', 'VERSION', 'of this IP version', 'ipVersion', oneOf('v4, v6, none', VERSIONS)),
  { name: 'ipv4', short: '4', help: 'of IPv4', apply: (pair) => both(pair, 'ipVersion', IPVersion.IPv4) },
  { name: 'ipv6', short: '6', help: 'of IPv6', apply: (pair) => both(pair, 'ipVersion', IPVersion.IPv6) },
  plain('interface', 'NAME', 'seen at this interface', 'interface', (name) => ({
    $typeName: 'flow.NetworkInterface' as const,
    index: 0,
    name,
  })),
  plain('node-label', 'SELECTOR', 'seen on nodes with these labels', 'nodeLabels', selector),
  plain('uuid', 'UUID', 'the flow with this reference', 'uuid', asIs),
  { name: 'encrypted', help: 'encrypted', apply: (pair) => both(pair, 'encrypted', true) },
  { name: 'unencrypted', help: 'not encrypted', apply: (pair) => both(pair, 'encrypted', false) },
];

const BY_NAME = new Map(FLAGS.map((flag) => [flag.name, flag]));
const BY_SHORT = new Map(FLAGS.flatMap((flag) => (flag.short ? [[flag.short, flag] as const] : [])));

export function flagNamed(name: string): Flag | undefined {
  return BY_NAME.get(name);
}

export function flagShort(letter: string): Flag | undefined {
  return BY_SHORT.get(letter);
}
