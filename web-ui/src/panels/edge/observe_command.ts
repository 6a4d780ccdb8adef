// The command that shows in a terminal what the page shows.
import { printTerms, type Term } from '../../filter/parse';
import type { TimeRange } from '../../place/place';

export function observeCommand(terms: readonly Term[], range: TimeRange): string {
  const words = ['tycho observe'];
  const flags = printTerms(terms);
  if (flags) words.push(flags);
  switch (range.kind) {
    case 'live':
      words.push('--follow');
      break;
    case 'last':
      words.push(`--since ${range.seconds}s`);
      break;
    case 'absolute':
      words.push(`--since ${new Date(range.fromMs).toISOString()} --until ${new Date(range.toMs).toISOString()}`);
      break;
  }
  return words.join(' ');
}
