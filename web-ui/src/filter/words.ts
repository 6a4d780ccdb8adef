// Splits a command line into words as a shell does, and quotes words again.

export interface Word {
  readonly text: string;
  /** Where it stands in the line. */
  readonly start: number;
  readonly end: number;
}

/** Splits at spaces; quotes and backslashes as in a shell, without expansion. An open quote ends at the end. */
export function splitWords(line: string): Word[] {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let quote = '';
  for (let at = 0; at <= line.length; at++) {
    const character = line[at];
    if (character === undefined || (quote === '' && /\s/.test(character))) {
      if (start >= 0) words.push({ text, start, end: at });
      text = '';
      start = -1;
      continue;
    }
    if (start < 0) start = at;
    if (quote === "'") {
      if (character === "'") quote = '';
      else text += character;
    } else if (character === '\\' && at + 1 < line.length) {
      text += line[++at];
    } else if (quote === '"') {
      if (character === '"') quote = '';
      else text += character;
    } else if (character === "'" || character === '"') {
      quote = character;
    } else {
      text += character;
    }
  }
  return words;
}

/** The word so that a shell reads it as one. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
