// The rows of the table: tail and older pages as one list, without duplicates, --rule and noise taken into account.
import { ruleMatches } from '../filter/match_series';
import type { GetFlowsResponse } from '../gen/tycho/v1/flows_pb';
import { referenceOf } from '../model/flow_tail';
import type { Noise } from '../place/place';
import { decidingPolicies, flowOf, ports, verdictOf } from './flow_text';

export interface Wanted {
  readonly rules: readonly string[];
  readonly notRules: readonly string[];
  readonly hide: readonly Noise[];
}

export interface Shown {
  readonly rows: readonly GetFlowsResponse[];
  /** Flows that noise filters leave out. */
  readonly hidden: number;
}

const HOSTS = new Set([1, 4, 6]);

function isNoise(response: GetFlowsResponse, hide: readonly Noise[]): boolean {
  const flow = flowOf(response);
  if (!flow || hide.length === 0 || verdictOf(flow) !== 'forwarded') return false;
  const { source, destination, protocol } = ports(flow);
  if (hide.includes('dns') && (protocol === 'tcp' || protocol === 'udp') && (source === 53 || destination === 53))
    return true;
  return hide.includes('host') && (HOSTS.has(flow.source?.identity ?? 0) || HOSTS.has(flow.destination?.identity ?? 0));
}

function byRule(response: GetFlowsResponse, texts: readonly string[]): boolean {
  const flow = flowOf(response);
  if (!flow) return false;
  return texts.some((text) => ruleMatches(response.tycho?.ruleName ?? '', decidingPolicies(flow), text));
}

export function shownFlows(
  tail: readonly GetFlowsResponse[],
  older: readonly GetFlowsResponse[],
  { rules, notRules, hide }: Wanted,
): Shown {
  const known = new Set<string>();
  const rows: GetFlowsResponse[] = [];
  let hidden = 0;
  for (const list of [tail, older]) {
    for (const response of list) {
      const reference = referenceOf(response);
      if (reference !== '') {
        if (known.has(reference)) continue;
        known.add(reference);
      }
      if (rules.length > 0 && !byRule(response, rules)) continue;
      if (notRules.length > 0 && byRule(response, notRules)) continue;
      if (isNoise(response, hide)) hidden++;
      else rows.push(response);
    }
  }
  return { rows, hidden };
}
