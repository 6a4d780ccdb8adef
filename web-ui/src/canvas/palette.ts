// The colours a canvas draws with, taken from CSS, so that dark and light are decided in one place.
import './palette.css';

/** How finely the share of dropped connections is told by colour. */
export const DROP_STEPS = 6;

export interface Palette {
  readonly background: string;
  readonly panel: string;
  readonly line: string;
  readonly grid: string;
  readonly card: string;
  readonly text: string;
  readonly faint: string;
  readonly cursor: string;
  readonly selected: string;
  readonly forwarded: string;
  readonly audited: string;
  readonly dropped: string;
  /** From few dropped to all dropped. */
  readonly dropScale: readonly string[];
  /** Of a cell with forwarded traffic, from little to much. */
  readonly forwardedScale: readonly string[];
}

/** Mixed colours are asked for thousands of times a frame, and there are few. */
const mixed = new Map<string, Map<string, string>>();

export function mix(from: string, to: string, part: number): string {
  const key = `${from}${part}`;
  let known = mixed.get(key);
  if (!known) {
    known = new Map();
    mixed.set(key, known);
  }
  let colour = known.get(to);
  if (colour === undefined) {
    colour = mixAnew(from, to, part);
    known.set(to, colour);
  }
  return colour;
}

type Channels = [red: number, green: number, blue: number];

/** Builds shorten `#ffffff` to `#fff`. */
export function parseHex(colour: string): Channels {
  const digits = colour.replace('#', '');
  const value = Number.parseInt(digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function mixAnew(from: string, to: string, part: number): string {
  const [a, b] = [parseHex(from), parseHex(to)];
  const channel = (index: 0 | 1 | 2) => Math.round(a[index] + (b[index] - a[index]) * part);
  return `#${((1 << 24) | (channel(0) << 16) | (channel(1) << 8) | channel(2)).toString(16).slice(1)}`;
}

export function scale(from: string, to: string, steps: number): string[] {
  return Array.from({ length: steps }, (_, step) => mix(from, to, steps === 1 ? 1 : step / (steps - 1)));
}

/** Step of a share of dropped connections: zero only if none is dropped, the last only if all are. */
export function dropStep(share: number): number {
  if (share <= 0) {
    return 0;
  }
  return share >= 1 ? DROP_STEPS : Math.min(1 + Math.floor(share * (DROP_STEPS - 1)), DROP_STEPS - 1);
}

/** Step of a rate on a logarithmic scale that ends at the largest rate of the picture. */
export function rateStep(rate: number, largest: number, steps: number): number {
  if (rate <= 0 || largest <= 0) {
    return 0;
  }
  // Four decades: what is ten thousand times rarer than the largest is one step above nothing.
  const part = 1 + Math.log10(rate / largest) / 4;
  return Math.min(Math.max(Math.ceil(part * steps), 1), steps) - 1;
}

export const RATE_STEPS = 8;

/** Any colour of CSS as `#rrggbb`: builds write the shortest of many ways. */
function normalized(colour: string): string {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return '#808080';
  context.fillStyle = '#808080';
  context.fillStyle = colour;
  return context.fillStyle;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => normalized(style.getPropertyValue(`--draw-${name}`).trim());
  const [background, forwarded, dropped] = [read('background'), read('forwarded'), read('dropped')];
  return {
    background,
    panel: read('panel'),
    line: read('line'),
    grid: read('grid'),
    card: read('card'),
    text: read('text'),
    faint: read('faint'),
    cursor: read('cursor'),
    selected: read('selected'),
    forwarded,
    audited: read('audited'),
    dropped,
    dropScale: scale(read('dropped-least'), dropped, DROP_STEPS),
    forwardedScale: scale(mix(background, forwarded, 0.25), forwarded, RATE_STEPS),
  };
}

/** Calls back when dark and light change; the answer ends it. */
export function watchPalette(changed: () => void): () => void {
  const root = document.documentElement;
  const watcher = new MutationObserver(changed);
  watcher.observe(root, { attributes: true, attributeFilter: ['data-theme'] });
  return () => watcher.disconnect();
}
