// What the numbers of one epoch stand for.
import { DropReason, TrafficDirection, Verdict as WireVerdict } from '../gen/flow/flow_pb';
import type { Definitions as Told, SeriesDefinition } from '../gen/tycho/v1/dashboard_pb';
import type { EdgeRule } from '../gen/tycho/v1/edges_pb';
import { labelSetOf, tellApart } from './label_set';
import type { LabelSet, Rule, Series, Verdict } from './series';

function verdictOf(verdict: WireVerdict): Verdict {
  switch (verdict) {
    case WireVerdict.DROPPED:
    case WireVerdict.ERROR:
      return 'dropped';
    case WireVerdict.AUDIT:
      return 'audited';
    default:
      return 'forwarded';
  }
}

function ruleOf({ number, description, policies, section, index }: EdgeRule): Rule {
  const names = policies.map(({ kind, namespace, name }) => ({ kind, namespace, name }));
  const rule = { number, description, policies: names, section };
  return index === undefined ? rule : { ...rule, index };
}

function unknownSet(number: number): LabelSet {
  const name = `label set ${number}`;
  return { number, key: name, labels: [], namespace: '', workloads: [], identities: [], name };
}

export class Definitions {
  epoch = 0n;
  /** Changes with every change. */
  revision = 0;
  private readonly told = new Map<number, LabelSet>();
  private readonly rules = new Map<number, Rule>();
  private readonly nodes = new Map<number, string>();
  private readonly definitions: (SeriesDefinition | undefined)[] = [];
  private resolved: (Series | undefined)[] = [];
  /** Series that were told since they were last resolved; all if an end, rule or node was told. */
  private readonly pending = new Set<number>();
  private allPending = false;
  /** What the last change of `series` was: these numbers are new, or, if `undefined`, others may mean something else. */
  added: readonly number[] | undefined;

  /** Takes them in; `true` if everything told before is void. */
  take(told: Told): boolean {
    const anew = told.epoch !== this.epoch;
    if (anew) this.clear(told.epoch);
    for (const set of told.labelSets) this.told.set(set.number, labelSetOf(set));
    for (const rule of told.rules) this.rules.set(rule.number, ruleOf(rule));
    for (const node of told.nodes) this.nodes.set(node.number, node.name);
    for (const series of told.series) {
      this.definitions[series.number] = series;
      this.pending.add(series.number);
    }
    if (told.labelSets.length + told.rules.length + told.nodes.length > 0) this.allPending = true;
    if (this.allPending || told.series.length > 0) this.revision++;
    return anew;
  }

  private clear(epoch: bigint): void {
    this.epoch = epoch;
    this.told.clear();
    this.rules.clear();
    this.nodes.clear();
    this.definitions.length = 0;
    this.resolved = [];
    this.pending.clear();
    this.allPending = true;
  }

  /** By number, with holes. Another array whenever something has changed. */
  series(): readonly (Series | undefined)[] {
    if (!this.allPending && this.pending.size === 0) return this.resolved;
    if (this.allPending) {
      const sets = new Map(tellApart([...this.told.values()]).map((set) => [set.number, set]));
      this.resolved = this.definitions.map((definition) => definition && this.resolve(definition, sets));
      this.sets = sets;
      this.added = undefined;
    } else {
      const next = this.resolved.slice();
      const told = [...this.pending];
      this.added = told.some((number) => next[number]) ? undefined : told;
      for (const number of told) next[number] = this.resolve(this.definitions[number]!, this.sets);
      this.resolved = next;
    }
    this.pending.clear();
    this.allPending = false;
    return this.resolved;
  }

  private sets = new Map<number, LabelSet>();

  private resolve(told: SeriesDefinition, sets: Map<number, LabelSet>): Series {
    const rule = this.rules.get(told.rule);
    const series: Series = {
      number: told.number,
      source: sets.get(told.source) ?? unknownSet(told.source),
      destination: sets.get(told.destination) ?? unknownSet(told.destination),
      protocol: told.protocol,
      port: told.port,
      direction: told.direction === TrafficDirection.EGRESS ? 'egress' : 'ingress',
      verdict: verdictOf(told.verdict),
      dropReason:
        told.dropReason === DropReason.DROP_REASON_UNKNOWN ? '' : (DropReason[told.dropReason] ?? `${told.dropReason}`),
      node: this.nodes.get(told.node) ?? '',
      counts: told.counts,
      firstSeenMs: told.firstSeenMs,
      lastSeenMs: told.lastSeenMs,
    };
    return rule ? { ...series, rule } : series;
  }
}
