// The filter that shows one edge, and keeps what the filter says besides its ends.
import { withTerms } from '../../filter/change';
import { parseFilter, printTerms, type Term } from '../../filter/parse';

/** Other ends beside those of the edge would widen what is shown: values of one flag are alternatives. */
export function onlyEdge(filter: string, edge: readonly Term[]): string {
  const others = parseFilter(filter).terms.filter((term) => term.not || !/^(from|to)-(?!port$)/.test(term.flag));
  return withTerms(printTerms(others), edge);
}
