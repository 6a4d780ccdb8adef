// Text that fits its place. Measuring is the dear part, so every answer is kept.

const MOST_KEPT = 8000;
const kept = new Map<string, string>();

/** The text, or as much of its beginning as is narrower than `width`, with an ellipsis. */
export function fitText(context: CanvasRenderingContext2D, text: string, width: number): string {
  const room = Math.floor(width / 4) * 4;
  const key = `${context.font}|${room}|${text}`;
  const known = kept.get(key);
  if (known !== undefined) {
    return known;
  }
  const fitted = shorten(text, (part) => context.measureText(part).width <= room);
  if (kept.size >= MOST_KEPT) {
    kept.clear();
  }
  kept.set(key, fitted);
  return fitted;
}

/** The longest beginning of the text that fits. */
export function shorten(text: string, fits: (part: string) => boolean): string {
  if (fits(text)) {
    return text;
  }
  let least = 0;
  let most = text.length;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (fits(`${text.slice(0, middle)}…`)) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least === 0 ? '' : `${text.slice(0, least)}…`;
}
