// A filter's text as terms, and terms as text again.
import { create } from '@bufbuild/protobuf';
import { FlowFilterSchema } from '../gen/flow/flow_pb';
import { conflictOf } from './conflicts';
import { BadValue, flagNamed, flagShort, type Flag, type Pair } from './flag';
import { quoteWord, splitWords } from './words';

/** One flag with its value. */
export interface Term {
  readonly flag: string;
  /** `''` of a switch. */
  readonly value: string;
  readonly not: boolean;
}

export interface Problem {
  /** The words that it is about. */
  readonly at: string;
  readonly reason: string;
}

export interface Filter {
  readonly terms: readonly Term[];
  readonly problems: readonly Problem[];
  /** Flags of the command line that say nothing about which flows, and are left out. */
  readonly ignored: readonly string[];
}

export const NO_FILTER: Filter = { terms: [], problems: [], ignored: [] };

/** Flags of `tycho observe` that are no filters: with a value, and without. */
const OTHER = new Set([
  'server',
  'output',
  'o',
  'last',
  'first',
  'since',
  'until',
  'time-format',
  'timeout',
  'rule-names',
]);
const OTHER_SWITCHES = new Set([
  'follow',
  'f',
  'dedup',
  'all',
  'print-policy-names',
  'print-node-name',
  'color',
  'tls',
  'debug',
]);

export function emptyPair(): Pair {
  return {
    source: create(FlowFilterSchema),
    destination: create(FlowFilterSchema),
    namespaces: { either: [], source: [], destination: [] },
    rules: [],
  };
}

function refusal(flag: Flag, value: string): string | undefined {
  try {
    flag.apply(emptyPair(), value);
    return undefined;
  } catch (error) {
    if (error instanceof BadValue) return error.message;
    throw error;
  }
}

/** What a word names: a flag, perhaps with its value behind an equals sign or, of a letter, directly behind it. */
function named(word: string): { name: string; flag: Flag | undefined; value: string | undefined } | undefined {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    return { name, flag: flagNamed(name), value: equals < 0 ? undefined : word.slice(equals + 1) };
  }
  if (/^-[A-Za-z0-9]/.test(word)) {
    const name = word[1]!;
    const rest = word.slice(2).replace(/^=/, '');
    return { name, flag: flagShort(name), value: rest === '' ? undefined : rest };
  }
  return undefined;
}

/** Reads the flags of a pasted command, whole or in part. What is wrong is left out and said. */
export function parseFilter(text: string): Filter {
  const words = splitWords(text).map((word) => word.text);
  const terms: Term[] = [];
  const problems: Problem[] = [];
  const ignored: string[] = [];
  if (/^\$|#$/.test(words[0] ?? '')) words.shift();
  if (/(^|\/)(tycho|hubble)$/.test(words[0] ?? '')) words.shift();
  if (words[0] === 'observe') words.shift();
  let not = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const found = named(word);
    if (!found) {
      problems.push({ at: word, reason: 'it is no flag; a filter looks like --to-label role=db' });
      continue;
    }
    if (found.name === 'not') {
      if (not) problems.push({ at: '--not --not', reason: '--not negates the flag after it' });
      not = true;
      continue;
    }
    if (!found.flag) {
      if (OTHER.has(found.name)) {
        ignored.push(word);
        if (found.value === undefined) at++;
      } else if (OTHER_SWITCHES.has(found.name)) ignored.push(word);
      else problems.push({ at: word, reason: 'there is no such flag' });
      continue;
    }
    let value = found.flag.value === undefined ? '' : found.value;
    if (value === undefined) value = words[++at];
    if (value === undefined) {
      problems.push({ at: word, reason: `it needs a value: ${found.flag.value}` });
      break;
    }
    const term: Term = { flag: found.flag.name, value, not };
    not = false;
    const shown = printTerm(term);
    const reason = refusal(found.flag, value) ?? conflictOf(terms, term);
    if (reason) problems.push({ at: shown, reason });
    else terms.push(term);
  }
  if (not) problems.push({ at: '--not', reason: 'it negates the flag after it, but none follows' });
  return { terms, problems, ignored };
}

export function printTerm({ flag, value, not }: Term): string {
  const takesValue = flagNamed(flag)?.value !== undefined;
  return `${not ? '--not ' : ''}--${flag}${takesValue ? ` ${quoteWord(value)}` : ''}`;
}

export function printTerms(terms: readonly Term[]): string {
  return terms.map(printTerm).join(' ');
}
