// What a text in the filter's input could become: flags, values of a flag, or names that are on the page.
import { DropReason } from '../gen/flow/flow_pb';
import { HintKind } from '../gen/tycho/v1/dashboard_pb';
import type { Series } from '../model/series';
import { FLAGS, flagNamed, flagShort } from './flag';
import { printTerm, type Term } from './parse';
import { splitWords } from './words';

export interface Suggestion {
  readonly text: string;
  readonly help: string;
  /** The term that it adds, or the text that the input has instead. */
  readonly term?: Term;
  readonly input?: string;
}

export type Typing =
  | { readonly mode: 'flag'; readonly part: string; readonly before: string }
  | {
      readonly mode: 'value';
      readonly flag: string;
      readonly not: boolean;
      readonly part: string;
      readonly before: string;
    }
  | { readonly mode: 'any'; readonly part: string };

/** What is being typed at the end of the text. */
export function typingOf(text: string): Typing {
  const words = splitWords(text);
  const open = !/\s$/.test(text);
  const last = words.at(-1);
  if (!last) return { mode: 'any', part: '' };
  const flagWord = open ? words.at(-2) : last;
  const flagOf = (word: string | undefined) =>
    word?.startsWith('--')
      ? flagNamed(word.slice(2))
      : word && /^-[A-Za-z]$/.test(word)
        ? flagShort(word[1]!)
        : undefined;
  const flag = flagOf(flagWord?.text);
  if (flag?.value !== undefined) {
    const at = words.length - (open ? 2 : 1);
    const not = words[at - 1]?.text === '--not';
    const first = words[not ? at - 1 : at]!;
    return { mode: 'value', flag: flag.name, not, part: open ? last.text : '', before: text.slice(0, first.start) };
  }
  if (open && last.text.startsWith('-')) {
    return { mode: 'flag', part: last.text.replace(/^-+/, ''), before: text.slice(0, last.start) };
  }
  return { mode: 'any', part: open ? last.text : '' };
}

const HINTS: readonly (readonly [RegExp, HintKind])[] = [
  [/label$/, HintKind.HINT_LABEL],
  [/pod$/, HintKind.HINT_POD],
  [/namespace$/, HintKind.HINT_NAMESPACE],
  [/workload$/, HintKind.HINT_WORKLOAD],
  [/port$/, HintKind.HINT_PORT],
  [/^rule$/, HintKind.HINT_RULE],
  [/^drop-reason-desc$/, HintKind.HINT_DROP_REASON],
  [/^node-name$/, HintKind.HINT_NODE],
];

/** What to ask the server for values of a flag; absent if it knows none. */
export function hintKindOf(flag: string): HintKind | undefined {
  if (flag.startsWith('node-label')) return undefined;
  return HINTS.find(([pattern]) => pattern.test(flag))?.[1];
}

const FIXED: Readonly<Record<string, readonly string[]>> = {
  verdict: ['DROPPED', 'AUDIT', 'FORWARDED'],
  protocol: ['tcp', 'udp', 'icmp', 'icmpv4', 'icmpv6', 'sctp'],
  'traffic-direction': ['ingress', 'egress'],
  'ip-version': ['v4', 'v6'],
  'tcp-flags': ['syn', 'syn,ack', 'rst', 'fin'],
  type: ['drop', 'policy-verdict', 'trace', 'trace:to-endpoint'],
  identity: ['world', 'host', 'remote-node', 'kube-apiserver', 'health'],
};

function fixedValues(flag: string): readonly string[] {
  if (flag === 'drop-reason-desc') return Object.keys(DropReason).filter((name) => /^[A-Z]/.test(name));
  return FIXED[flag] ?? FIXED[flag.replace(/^(from|to)-/, '')] ?? [];
}

const MOST = 12;

function has(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

export function suggestFlags(typing: Extract<Typing, { mode: 'flag' }>): Suggestion[] {
  const found = FLAGS.filter((flag) => has(flag.name, typing.part));
  const sorted = [...found].sort(
    (a, b) => Number(b.name.startsWith(typing.part)) - Number(a.name.startsWith(typing.part)),
  );
  const flags = sorted.slice(0, MOST).map((flag): Suggestion => {
    const text = `--${flag.name}${flag.value ? ` ${flag.value}` : ''}`;
    return flag.value === undefined
      ? { text, help: flag.help, term: { flag: flag.name, value: '', not: typing.before.trimEnd().endsWith('--not') } }
      : { text, help: flag.help, input: `${typing.before}--${flag.name} ` };
  });
  return 'not'.startsWith(typing.part)
    ? [...flags, { text: '--not', help: 'leave out what the next flag matches', input: `${typing.before}--not ` }]
    : flags;
}

export function suggestValues(typing: Extract<Typing, { mode: 'value' }>, hints: readonly string[]): Suggestion[] {
  const values = new Set([...hints, ...fixedValues(typing.flag).filter((value) => has(value, typing.part))]);
  return [...values].slice(0, MOST).map((value) => {
    const term = { flag: typing.flag, value, not: typing.not };
    return { text: value, help: printTerm(term), term };
  });
}

/** Names are looked for until there are so many; a thousand identities are not all looked at for each letter. */
const ENOUGH = 60;

/** What is the part itself comes before what begins with it, and that before what only has it somewhere. */
function nearness({ term }: Suggestion, part: string): number {
  const value = (term?.value ?? '').toLowerCase();
  const wanted = part.toLowerCase();
  const last = value.slice(Math.max(value.lastIndexOf('='), value.lastIndexOf('/')) + 1);
  return value === wanted || last === wanted ? 0 : last.startsWith(wanted) ? 1 : 2;
}

/** Names on the page that have the part in them, and what they would be as a filter. */
export function suggestNames(series: readonly (Series | undefined)[], part: string): Suggestion[] {
  const found = new Map<string, Suggestion>();
  const add = (flag: string, value: string, help: string) => {
    const term = { flag, value, not: false };
    const text = printTerm(term);
    if (found.size < ENOUGH && !found.has(text)) found.set(text, { text, help, term });
  };
  for (const one of series) {
    if (!one || found.size >= ENOUGH) continue;
    for (const set of [one.source, one.destination]) {
      if (set.namespace && has(set.namespace, part)) add('namespace', set.namespace, 'namespace');
      for (const label of set.labels) if (has(label, part)) add('label', label.replace(/=$/, ''), 'label');
      for (const workload of set.workloads) if (has(workload, part)) add('workload', workload, 'workload');
    }
    if (one.rule && has(one.rule.description, part)) add('rule', one.rule.description, 'rule');
    if (one.dropReason && has(one.dropReason, part)) add('drop-reason-desc', one.dropReason, 'drop reason');
    if (one.port > 0 && String(one.port).startsWith(part)) add('to-port', String(one.port), 'port');
  }
  for (const verdict of FIXED.verdict!) if (has(verdict, part)) add('verdict', verdict, 'verdict');
  if (/^[0-9a-f]+[.:]/i.test(part)) add('ip', part, 'address or range');
  return [...found.values()].sort((a, b) => nearness(a, part) - nearness(b, part)).slice(0, MOST);
}
