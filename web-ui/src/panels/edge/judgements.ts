// What was judged about the connections between two ends: by place, verdict, port, reason and rule.
import type { Measure, Picture } from '../../model/picture';
import type { Rule, Series, Verdict } from '../../model/series';
import { portText } from '../../show/numbers';

/** Series that differ only in their node, or in nothing that people look at. */
export interface Judgement {
  readonly key: string;
  readonly direction: Series['direction'];
  readonly verdict: Verdict;
  readonly protocol: number;
  readonly port: number;
  readonly dropReason: string;
  readonly rule: Rule | undefined;
  readonly nodes: readonly string[];
  /** Part of the edge's totals; else the same connections are counted at the other end. */
  readonly counts: boolean;
  /** In the range. */
  readonly amount: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

const WORST: readonly Verdict[] = ['dropped', 'audited', 'forwarded'];

/** The worst first, then the most. */
export function judgementsOf(picture: Picture, series: readonly Series[], measure: Measure): Judgement[] {
  const found = new Map<
    string,
    Judgement & { nodes: string[]; amount: number; firstSeenMs: number; lastSeenMs: number }
  >();
  for (const one of series) {
    const { direction, verdict, protocol, port, dropReason, rule, counts } = one;
    const key = [direction, verdict, protocol, port, dropReason, rule?.number ?? 0, counts].join(' ');
    const amount = picture.sums[measure][one.number] ?? 0;
    const lastSeenMs = picture.lastSeenMs[one.number] || one.lastSeenMs;
    const known = found.get(key);
    if (!known) {
      const nodes = one.node ? [one.node] : [];
      const { firstSeenMs } = one;
      found.set(key, {
        key,
        direction,
        verdict,
        protocol,
        port,
        dropReason,
        rule,
        nodes,
        counts,
        amount,
        firstSeenMs,
        lastSeenMs,
      });
      continue;
    }
    if (one.node && !known.nodes.includes(one.node)) known.nodes.push(one.node);
    known.amount += amount;
    known.firstSeenMs = Math.min(known.firstSeenMs, one.firstSeenMs);
    known.lastSeenMs = Math.max(known.lastSeenMs, lastSeenMs);
  }
  return [...found.values()].sort(
    (a, b) =>
      WORST.indexOf(a.verdict) - WORST.indexOf(b.verdict) ||
      Number(b.counts) - Number(a.counts) ||
      b.amount - a.amount ||
      a.port - b.port,
  );
}

export interface PortSums {
  readonly key: string;
  readonly port: number;
  readonly text: string;
  readonly forwarded: number;
  readonly audited: number;
  readonly dropped: number;
}

/** Totals by port, those with drops first, then the most. */
export function portsOf(judgements: readonly Judgement[]): PortSums[] {
  const ports = new Map<string, { key: string; port: number; text: string } & Record<Verdict, number>>();
  for (const { protocol, port, verdict, amount, counts } of judgements) {
    const key = `${protocol} ${port}`;
    let sums = ports.get(key);
    if (!sums) {
      sums = { key, port, text: portText(protocol, port), forwarded: 0, audited: 0, dropped: 0 };
      ports.set(key, sums);
    }
    if (counts) sums[verdict] += amount;
  }
  return [...ports.values()].sort(
    (a, b) => b.dropped - a.dropped || b.forwarded + b.audited - a.forwarded - a.audited || (a.text < b.text ? -1 : 1),
  );
}

/** Why it was judged so, as a sentence without the verdict. */
export function reasonText({ verdict, dropReason, rule }: Judgement): string {
  const because = rule ? rule.description : verdict === 'forwarded' ? 'no policy decided' : 'no rule allows it';
  const reason = dropReason && verdict !== 'forwarded' ? `${dropReason}: ` : '';
  return `${reason}${because}`;
}
