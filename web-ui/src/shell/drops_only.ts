// Drops only, and back.
import { hasTerm } from '../filter/change';
import { parseFilter, printTerms } from '../filter/parse';
import { go, placeNow } from '../place/use_place';

const DROPPED = { flag: 'verdict', value: 'DROPPED', not: false };

export function isDropsOnly(filter: string): boolean {
  return hasTerm(parseFilter(filter).terms, DROPPED);
}

/** Other verdicts in the filter give way. */
export function toggleDrops(): void {
  const { filter } = placeNow();
  const others = parseFilter(filter).terms.filter((term) => term.flag !== 'verdict');
  go({ filter: printTerms(isDropsOnly(filter) ? others : [...others, DROPPED]) });
}
