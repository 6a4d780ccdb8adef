// What keys do.
import type { View } from '../place/place';

export type Action =
  | { do: 'filter' }
  | { do: 'pause' }
  | { do: 'drops' }
  | { do: 'help' }
  | { do: 'theme' }
  | { do: 'view'; view: View }
  | { do: 'close' };

export const VIEW_KEYS: Readonly<Record<string, View>> = {
  o: 'overview',
  m: 'matrix',
  a: 'map',
  c: 'focus',
  f: 'flows',
  d: 'drops',
  p: 'policies',
  e: 'endpoints',
  n: 'nodes',
};

const SINGLE: Readonly<Record<string, Action>> = {
  '/': { do: 'filter' },
  p: { do: 'pause' },
  d: { do: 'drops' },
  t: { do: 'theme' },
  '?': { do: 'help' },
  Escape: { do: 'close' },
};

export const KEY_HELP: readonly (readonly [keys: string, what: string])[] = [
  ['/', 'go to the filter'],
  ['d', 'drops only, and back'],
  ['p', 'pause, and go on'],
  ['t', 'dark or light'],
  ['?', 'this help'],
  ['Esc', 'close what is open'],
  ['g o', 'Overview'],
  ['g m', 'Matrix'],
  ['g a', 'Map'],
  ['g c', 'Focus: callers and callees'],
  ['g f', 'Flows'],
  ['g d', 'Drops'],
  ['g p', 'Policies'],
  ['g e', 'Endpoints'],
  ['g n', 'Nodes'],
];

/** A `g` waits this long for the letter of a view. */
const WAIT_MS = 1_500;

export class Keys {
  private waitsSince = -Infinity;

  constructor(private readonly now: () => number = Date.now) {}

  press(key: string): Action | undefined {
    const waits = this.now() - this.waitsSince < WAIT_MS;
    this.waitsSince = -Infinity;
    if (waits) {
      const view = VIEW_KEYS[key];
      return view ? { do: 'view', view } : undefined;
    }
    if (key === 'g') {
      this.waitsSince = this.now();
      return undefined;
    }
    return SINGLE[key];
  }
}
