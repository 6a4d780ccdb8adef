// What can be done with a value that is clicked: terms for the filter, and where else it leads.
import type { Term } from '../filter/parse';
import type { LabelSet, Rule, Verdict } from '../model/series';
import { Store } from '../model/store';
import { VERDICT_FLAGS } from './verdict';

export interface Pick {
  readonly text: string;
  /** What the value can mean in a filter, the usual meaning first. */
  readonly choices: readonly { readonly name: string; readonly flag: string; readonly value: string }[];
  /** Key of an end, for Focus. */
  readonly focus?: string;
}

export interface OpenPick {
  readonly pick: Pick;
  readonly anchor: HTMLElement;
}

export const openPick = new Store<OpenPick | undefined>(undefined);

export function termOf(choice: Pick['choices'][number], not: boolean): Term {
  return { flag: choice.flag, value: choice.value, not };
}

function simple(flag: string, name: string) {
  return (value: string, text = value): Pick => ({ text, choices: [{ name, flag, value }] });
}

export const pickReason = simple('drop-reason-desc', 'reason');
export const pickNode = simple('node-name', 'node');
export const pickProtocol = simple('protocol', 'protocol');

export function pickVerdict(verdict: Verdict): Pick {
  return { text: verdict, choices: [{ name: 'verdict', flag: 'verdict', value: VERDICT_FLAGS[verdict] }] };
}

export function pickPort(port: number, text: string): Pick {
  return port === 0 ? { text, choices: [] } : { text, choices: [{ name: 'port', flag: 'to-port', value: `${port}` }] };
}

export function pickRule(rule: Pick['text']): Pick {
  return { text: rule, choices: [{ name: 'rule', flag: 'rule', value: rule }] };
}

export function ruleText(rule: Rule | undefined): string {
  return rule?.description ?? '';
}

function threeForms(name: string, value: string, usual: 'either' | 'source' | 'destination'): Pick['choices'] {
  const forms = {
    either: { name: 'either end', flag: name, value },
    source: { name: 'source', flag: `from-${name}`, value },
    destination: { name: 'destination', flag: `to-${name}`, value },
  };
  const order = {
    either: ['either', 'source', 'destination'],
    source: ['source', 'either'],
    destination: ['destination', 'either'],
  } as const;
  return order[usual].map((form) => forms[form]);
}

export function pickNamespace(namespace: string, usual: 'either' | 'source' | 'destination' = 'either'): Pick {
  return { text: namespace, choices: threeForms('namespace', namespace, usual) };
}

export function pickLabel(label: string, usual: 'either' | 'source' | 'destination' = 'either'): Pick {
  return { text: label, choices: threeForms('label', label, usual) };
}

/** An end by all of its labels: names and numbers change, what it is does not. */
export function pickEnd(set: LabelSet, usual: 'either' | 'source' | 'destination' = 'either'): Pick {
  if (set.labels.length === 0) return { text: set.name, choices: [], focus: set.key };
  const reserved = set.labels.length === 1 && set.labels[0]!.startsWith('reserved:');
  const choices = reserved
    ? threeForms('identity', set.labels[0]!.slice('reserved:'.length).replace(/=$/, ''), usual)
    : threeForms('label', set.labels.map((label) => label.replace(/=$/, '')).join(','), usual);
  return { text: set.name, choices, focus: set.key };
}
