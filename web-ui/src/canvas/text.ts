// Text that fits its place. Asking a canvas for widths is dear, so the width of each letter is asked for once.

/** Widths are those of letters of this size; others follow in proportion. */
const REFERENCE = 100;
const ASCII = 128;

export type MeasureLetter = (letter: string) => number;

export class Letters {
  private readonly ascii = new Float64Array(ASCII).fill(-1);
  private readonly others = new Map<string, number>();

  constructor(private readonly measure: MeasureLetter) {}

  /** Without the little that neighbours move together. */
  width(text: string, size: number): number {
    let width = 0;
    for (let at = 0; at < text.length; at += 1) width += this.letter(text, at);
    return (width * size) / REFERENCE;
  }

  /** The text, or as much of its beginning as is narrower than `room`, with an ellipsis. */
  fit(text: string, size: number, room: number): string {
    const most = (room * REFERENCE) / size;
    const cutAt = most - this.letter('…', 0);
    let width = 0;
    let cut = 0;
    for (let at = 0; at < text.length; at += 1) {
      width += this.letter(text, at);
      if (width <= cutAt) cut = at + 1;
      if (width > most) return cut === 0 ? '' : `${text.slice(0, cut)}…`;
    }
    return text;
  }

  private letter(text: string, at: number): number {
    const code = text.charCodeAt(at);
    if (code < ASCII) {
      if (this.ascii[code]! < 0) this.ascii[code] = this.measure(text[at]!);
      return this.ascii[code]!;
    }
    const letter = text[at]!;
    let width = this.others.get(letter);
    if (width === undefined) {
      width = this.measure(letter);
      this.others.set(letter, width);
    }
    return width;
  }
}

const known = new Map<string, Letters>();

/** The letters of a font, `weight` as in CSS. */
export function lettersOf(family: string, weight: number): Letters {
  const font = `${weight} ${REFERENCE}px ${family}`;
  let letters = known.get(font);
  if (!letters) {
    const context = document.createElement('canvas').getContext('2d');
    if (context) context.font = font;
    letters = new Letters((letter) => context?.measureText(letter).width ?? REFERENCE / 2);
    known.set(font, letters);
  }
  return letters;
}
