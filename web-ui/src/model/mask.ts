// Which series pass the filter, and which of them a noise filter leaves out.
import type { Noise } from '../place/place';
import type { Hidden, Sums } from './picture';
import type { LabelSet, Series } from './series';

const NOISE_NAMES: Readonly<Record<Noise, string>> = { dns: 'DNS', host: 'host' };

const HOSTS = new Set(['reserved:host', 'reserved:remote-node', 'reserved:health']);

const hosts = new WeakMap<LabelSet, boolean>();

function isHost(set: LabelSet): boolean {
  let known = hosts.get(set);
  if (known === undefined) {
    known = set.labels.some((label) => HOSTS.has(label.replace(/=$/, '')));
    hosts.set(set, known);
  }
  return known;
}

/** The noise that a series is, if it is any. What was dropped or would have been is never noise. */
export function noiseOf(series: Series): Noise | undefined {
  if (series.verdict !== 'forwarded') return undefined;
  if (series.port === 53 && (series.protocol === 17 || series.protocol === 6)) return 'dns';
  if (isHost(series.source) || isHost(series.destination)) return 'host';
  return undefined;
}

export interface Mask {
  /** Passes filter and noise filters. */
  readonly matches: Uint8Array;
  /** Passes the filter and is left out as noise. */
  readonly hidden: Uint8Array;
  readonly noises: ReadonlySet<Noise>;
  readonly by: string;
}

export const NO_MASK: Mask = { matches: new Uint8Array(0), hidden: new Uint8Array(0), noises: new Set(), by: '' };

/** `known`: the mask of the same series without those that were added. */
export function maskOf(
  series: readonly (Series | undefined)[],
  test: (series: Series) => boolean,
  hide: readonly Noise[],
  known?: { readonly mask: Mask; readonly added: readonly number[] },
): Mask {
  const matches = new Uint8Array(series.length);
  const hidden = new Uint8Array(series.length);
  const noises = new Set<Noise>(known?.mask.noises);
  if (known) {
    matches.set(known.mask.matches);
    hidden.set(known.mask.hidden);
  }
  for (const one of known ? known.added.map((number) => series[number]) : series) {
    if (!one || !test(one)) continue;
    const noise = hide.length > 0 ? noiseOf(one) : undefined;
    if (noise && hide.includes(noise)) {
      hidden[one.number] = 1;
      noises.add(noise);
    } else {
      matches[one.number] = 1;
    }
  }
  const names = hide.filter((noise) => noises.has(noise)).map((noise) => NOISE_NAMES[noise]);
  return { matches, hidden, noises, by: names.join(', ') };
}

export function hiddenIn(mask: Mask, series: readonly (Series | undefined)[], sums: Sums): Hidden {
  let connections = 0;
  if (mask.by !== '') {
    for (let number = 0; number < mask.hidden.length; number++) {
      if (mask.hidden[number] === 1 && series[number]!.counts) connections += sums.connections[number] ?? 0;
    }
  }
  return { connections, by: connections > 0 ? mask.by : '' };
}
