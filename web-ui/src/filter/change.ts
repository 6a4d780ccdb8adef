// Small changes to a filter: a value is clicked to be included, excluded, or taken out again.
import { parseFilter, printTerms, type Term } from './parse';

const same = (a: Term, b: Term) => a.flag === b.flag && a.value === b.value;

/** Adds the terms; the opposite of one of them goes. */
export function withTerms(text: string, added: readonly Term[]): string {
  const kept = parseFilter(text).terms.filter((term) => !added.some((one) => same(one, term)));
  return printTerms([...kept, ...added]);
}

export function withoutTerm(text: string, gone: Term): string {
  return printTerms(parseFilter(text).terms.filter((term) => !(same(term, gone) && term.not === gone.not)));
}

export function hasTerm(terms: readonly Term[], wanted: Term): boolean {
  return terms.some((term) => same(term, wanted) && term.not === wanted.not);
}

/** Includes or excludes by what is now the value of the flag: another value of it beside the new one would widen. */
export function onlyTerm(text: string, wanted: Term): string {
  const kept = parseFilter(text).terms.filter((term) => term.flag !== wanted.flag || term.not !== wanted.not);
  return printTerms([...kept, wanted]);
}
