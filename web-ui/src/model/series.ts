// What is counted by itself, as views see it: ends, rules and series with their definitions resolved.

export type Verdict = 'forwarded' | 'audited' | 'dropped';

export const VERDICTS: readonly Verdict[] = ['forwarded', 'audited', 'dropped'];

/** One end of edges: an identity in the whole cluster. */
export interface LabelSet {
  /** Its number on this server, in this epoch. Never in a link: `key` is for that. */
  readonly number: number;
  /** The same on every server and after a restart: the name, and a hash of the labels. */
  readonly key: string;
  readonly labels: readonly string[];
  readonly namespace: string;
  readonly workloads: readonly string[];
  readonly identities: readonly number[];
  /** Short, for people: `shop/backend`, `world`, `other`. */
  readonly name: string;
}

export interface PolicyRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Rule {
  readonly number: number;
  readonly description: string;
  readonly policies: readonly PolicyRef[];
  readonly section: string;
  readonly index?: number;
}

/** One judgement about one edge. */
export interface Series {
  readonly number: number;
  readonly source: LabelSet;
  readonly destination: LabelSet;
  readonly protocol: number;
  readonly port: number;
  readonly direction: 'egress' | 'ingress';
  readonly verdict: Verdict;
  /** `''` if it passed without question, else a name such as `POLICY_DENIED`. */
  readonly dropReason: string;
  readonly rule?: Rule;
  /** `<cluster>/<node>` that judged; `''`: any. */
  readonly node: string;
  /** It is part of the edge's totals. Else its connections count at their other end. */
  readonly counts: boolean;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}
