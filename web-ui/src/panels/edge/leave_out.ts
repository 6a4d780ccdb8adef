// Leaving an edge out of what is shown. All --not flags together are one exclusion, as in `tycho observe`: values of one
// flag are alternatives, flags must all match. So two edges can be left out only if they differ in one flag.
import { hasTerm } from '../../filter/change';
import { seriesTest, unknownToSeries } from '../../filter/match_series';
import { parseFilter, printTerms, type Term } from '../../filter/parse';
import { selectionOf } from '../../filter/selection';
import type { Picture } from '../../model/picture';
import type { End } from './ends';

const negated = (terms: readonly Term[]) => terms.map((term) => ({ ...term, not: true }));

/** Besides what the filter leaves out already. What it asks for stays, also if that is one end of the edge. */
export function leaveOutToo(filter: string, edge: readonly Term[]): string {
  const { terms } = parseFilter(filter);
  return printTerms([...terms, ...negated(edge).filter((term) => !hasTerm(terms, term))]);
}

/** In place of what the filter leaves out. */
export function leaveOutInstead(filter: string, edge: readonly Term[]): string {
  const kept = parseFilter(filter).terms.filter((term) => !term.not);
  return leaveOutToo(printTerms(kept), edge);
}

function valuesByFlag(terms: readonly Term[]): Map<string, Set<string>> {
  const values = new Map<string, Set<string>>();
  for (const { flag, value } of terms) values.set(flag, (values.get(flag) ?? new Set()).add(value));
  return values;
}

/** The exclusions and the edge are together what either leaves out, no more and no less. */
export function isExact(filter: string, edge: readonly Term[]): boolean {
  const before = valuesByFlag(parseFilter(filter).terms.filter((term) => term.not));
  if (before.size === 0) return true;
  const added = valuesByFlag(edge);
  if (added.size !== before.size || [...added.keys()].some((flag) => !before.has(flag))) return false;
  const same = (a: ReadonlySet<string>, b: ReadonlySet<string>) =>
    a.size === b.size && [...a].every((one) => b.has(one));
  const differing = [...added].filter(([flag, values]) => !same(values, before.get(flag)!));
  return differing.length <= 1;
}

export interface Effect {
  /** Other edges that would go too, and edges left out now that would come back; by name. */
  readonly gone: readonly string[];
  readonly back: readonly string[];
}

/** What else leaving it out would change, of what is known in the range; absent if series cannot tell. */
export function effectOf(
  picture: Picture,
  filter: string,
  edge: readonly Term[],
  source: End,
  destination: End,
): Effect | undefined {
  const before = selectionOf(parseFilter(filter).terms);
  const after = selectionOf(parseFilter(leaveOutToo(filter, edge)).terms);
  if (unknownToSeries(before).length + unknownToSeries(after).length > 0) return undefined;
  const [passed, passes] = [seriesTest(before), seriesTest(after)];
  const gone = new Set<string>();
  const back = new Set<string>();
  for (const one of picture.series) {
    if (!one || (picture.sums.connections[one.number] ?? 0) === 0) continue;
    if (source.sets.has(one.source) && destination.sets.has(one.destination)) continue;
    const [was, is] = [passed(one), passes(one)];
    if (was && !is) gone.add(`${one.source.name} → ${one.destination.name}`);
    if (!was && is) back.add(`${one.source.name} → ${one.destination.name}`);
  }
  return { gone: [...gone].sort(), back: [...back].sort() };
}
