// Rates for people: three digits at most, and never a zero for something that is there.
import type { Measure } from '../model/picture';

const STEPS = [
  { from: 1e9, divisor: 1e9, unit: 'G' },
  { from: 1e6, divisor: 1e6, unit: 'M' },
  { from: 1e3, divisor: 1e3, unit: 'k' },
] as const;

export function shortNumber(value: number): string {
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  // Rounded first: 999.7 is 1k, not 1000.
  const rounded = value < 100 ? value : Math.round(value);
  const step = STEPS.find((one) => rounded >= one.from);
  const scaled = step ? value / step.divisor : value;
  const digits = scaled < 1 ? 2 : scaled < 10 ? 1 : 0;
  return `${Number(scaled.toFixed(digits))}${step?.unit ?? ''}`;
}

export type Rate = (perSecond: number) => string;

/** The same function for the same measure, so that it can be compared. */
export const RATES: Readonly<Record<Measure, Rate>> = {
  connections: (perSecond) => `${shortNumber(perSecond)}/s`,
  packets: (perSecond) => `${shortNumber(perSecond)} p/s`,
  bytes: (perSecond) => {
    const text = shortNumber(perSecond);
    return /[kMG]$/.test(text) ? `${text.slice(0, -1)} ${text.slice(-1)}B/s` : `${text} B/s`;
  },
};

export const MEASURE_WORDS: Readonly<Record<Measure, string>> = {
  connections: 'New connections per second',
  packets: 'Packets per second',
  bytes: 'Bytes per second',
};
