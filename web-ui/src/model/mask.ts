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
  readonly by: string;
}

export function maskOf(
  series: readonly (Series | undefined)[],
  test: (series: Series) => boolean,
  hide: readonly Noise[],
): Mask {
  const matches = new Uint8Array(series.length);
  const hidden = new Uint8Array(series.length);
  const by = new Set<Noise>();
  for (const one of series) {
    if (!one || !test(one)) continue;
    const noise = hide.length > 0 ? noiseOf(one) : undefined;
    if (noise && hide.includes(noise)) {
      hidden[one.number] = 1;
      by.add(noise);
    } else {
      matches[one.number] = 1;
    }
  }
  const names = hide.filter((noise) => by.has(noise)).map((noise) => NOISE_NAMES[noise]);
  return { matches, hidden, by: names.join(', ') };
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
