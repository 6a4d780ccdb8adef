// What happened, as `tycho observe -o json` tells it: new connections by edge and verdict, each counted once.
import { tycho } from './cluster';

export type Verdict = 'forwarded' | 'audited' | 'dropped';

/** Counts by `<role> -> <role>` and verdict. */
export type Edges = Map<string, Record<Verdict, number>>;

interface End {
  labels?: string[];
  identity: number;
  namespace?: string;
  pod_name?: string;
}

export interface Line {
  flow?: {
    verdict: string;
    event_type: { type: number };
    traffic_direction: string;
    drop_reason_desc?: string;
    source?: End;
    destination?: End;
    node_name: string;
  };
  lost_events?: unknown;
  tycho?: { packets?: string; rule_name?: string };
}

const POLICY_VERDICT = 5;
const DROP = 1;
export const VERDICTS: Readonly<Record<string, Verdict>> = {
  FORWARDED: 'forwarded',
  AUDIT: 'audited',
  DROPPED: 'dropped',
};

function role(end: End | undefined): string {
  const label = end?.labels?.find((one) => one.startsWith('k8s:role='));
  return label?.slice('k8s:role='.length) ?? '';
}

/** How many attempts a flow tells of. A policy's drop has a verdict of its own, of which the drop says nothing new. */
export function attempts({ flow, tycho: details }: Line): number {
  if (flow?.event_type.type === POLICY_VERDICT) return 1;
  if (flow?.event_type.type !== DROP) return 0;
  const packets = Number(details?.packets ?? 1);
  const byPolicy = ['POLICY_DENIED', 'POLICY_DENY'].includes(flow.drop_reason_desc ?? '');
  return byPolicy ? packets - 1 : packets;
}

export function addTo(edges: Edges, edge: string, verdict: Verdict, count: number): void {
  const counts = edges.get(edge) ?? { forwarded: 0, audited: 0, dropped: 0 };
  counts[verdict] += count;
  edges.set(edge, counts);
}

/** All that `tycho observe` tells of a time. */
export async function observed(fromMs: number, toMs: number, ...flags: string[]): Promise<Line[]> {
  const time = (ms: number) => new Date(ms).toISOString();
  const text = await tycho('observe', '-o', 'json', '--since', time(fromMs), '--until', time(toMs), ...flags);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

/** Edges between roles; both ends of each are endpoints, so that what passes counts where it arrives. */
export async function happened(fromMs: number, toMs: number, ...flags: string[]): Promise<Edges> {
  const edges: Edges = new Map();
  for (const told of await observed(fromMs, toMs, ...flags)) {
    const verdict = VERDICTS[told.flow?.verdict ?? ''];
    const [source, destination] = [role(told.flow?.source), role(told.flow?.destination)];
    if (!verdict || !source || !destination) continue;
    const counts = verdict === 'dropped' || told.flow?.traffic_direction === 'INGRESS';
    const count = counts ? attempts(told) : 0;
    if (count > 0) addTo(edges, `${source} -> ${destination}`, verdict, count);
  }
  return edges;
}

/** In a form that tests can compare, and people read. */
export function listed(edges: Edges): string[] {
  return [...edges]
    .map(([edge, { forwarded, audited, dropped }]) => `${edge}: ${forwarded} ${audited} ${dropped}`)
    .toSorted();
}

export function sum(edges: Edges, verdict: Verdict): number {
  return [...edges.values()].reduce((total, counts) => total + counts[verdict], 0);
}
