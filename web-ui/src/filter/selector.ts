// Label selectors in Kubernetes' grammar, read and matched as servers do it.

interface Requirement {
  readonly source: string;
  readonly key: string;
  readonly operator: 'in' | 'notin' | 'exists' | 'missing';
  readonly values: readonly string[];
}

export type Selector = readonly Requirement[];

/** Why a text is no selector; the message says where. */
export class BadSelector extends Error {}

class Cursor {
  at = 0;
  constructor(private readonly text: string) {}

  get rest(): string {
    return this.text.slice(this.at);
  }

  spaces(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }

  take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  word(): string {
    const start = this.at;
    while (this.at < this.text.length && !/[\s=!,()<>]/.test(this.text[this.at]!)) this.at++;
    return this.text.slice(start, this.at);
  }

  value(): string {
    this.spaces();
    return this.word();
  }

  fail(expected: string): never {
    const found = this.rest === '' ? 'the end' : `“${this.rest.slice(0, 12)}”`;
    throw new BadSelector(`column ${this.at + 1}: expected ${expected}, found ${found}`);
  }
}

function requirement(cursor: Cursor): Requirement {
  cursor.spaces();
  const negated = cursor.take('!');
  cursor.spaces();
  const column = cursor.at + 1;
  const named = cursor.word();
  if (named === '') cursor.fail('a label key');
  const colon = named.indexOf(':');
  const source = colon < 0 ? '' : named.slice(0, colon);
  const key = named.slice(colon + 1);
  if (key === '') throw new BadSelector(`column ${column}: the key is empty`);
  if (!/^[A-Za-z0-9_./-]+$/.test(key)) throw new BadSelector(`column ${column}: “${named}” is not a label key`);
  const base = { source: source === 'any' ? '' : source, key };
  if (negated) return { ...base, operator: 'missing', values: [] };
  cursor.spaces();
  if (cursor.rest === '' || cursor.rest.startsWith(',')) return { ...base, operator: 'exists', values: [] };
  if (cursor.take('!=')) return { ...base, operator: 'notin', values: [cursor.value()] };
  if (cursor.take('==') || cursor.take('=')) return { ...base, operator: 'in', values: [cursor.value()] };
  const at = cursor.at;
  const operator = cursor.word();
  if (operator !== 'in' && operator !== 'notin') {
    cursor.at = at;
    cursor.fail('=, ==, !=, in, notin or a comma');
  }
  cursor.spaces();
  if (!cursor.take('(')) cursor.fail('an opening parenthesis');
  const values: string[] = [];
  for (;;) {
    values.push(cursor.value());
    cursor.spaces();
    if (cursor.take(')')) return { ...base, operator, values };
    if (!cursor.take(',')) cursor.fail('a comma or a closing parenthesis');
  }
}

/** Reads a selector. The empty one matches everything. */
export function parseSelector(text: string): Selector {
  const cursor = new Cursor(text);
  const requirements: Requirement[] = [];
  cursor.spaces();
  if (cursor.rest === '') return requirements;
  for (;;) {
    requirements.push(requirement(cursor));
    cursor.spaces();
    if (cursor.rest === '') return requirements;
    if (!cursor.take(',')) cursor.fail('a comma or the end');
  }
}

interface Label {
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

function labelOf(text: string): Label {
  const equals = text.indexOf('=');
  const named = equals < 0 ? text : text.slice(0, equals);
  const colon = named.indexOf(':');
  return {
    source: colon < 0 ? '' : named.slice(0, colon),
    key: named.slice(colon + 1),
    value: equals < 0 ? '' : text.slice(equals + 1),
  };
}

export function selectorMatches(selector: Selector, labels: readonly string[]): boolean {
  if (selector.length === 0) return true;
  const parsed = labels.map(labelOf);
  return selector.every((one) => {
    const named = parsed.filter((label) => label.key === one.key && (one.source === '' || label.source === one.source));
    const hit = named.some((label) => one.values.includes(label.value));
    switch (one.operator) {
      case 'in':
        return hit;
      case 'notin':
        return !hit;
      case 'exists':
        return named.length > 0;
      case 'missing':
        return named.length === 0;
    }
  });
}
