// Addresses of the page, written as a person would who has the documentation: not by the page's own code.
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export function address(base: string, query: Record<string, string>): string {
  return `${base}?${new URLSearchParams(query).toString()}`;
}

export function rangeOf({ fromMs, toMs }: Span): string {
  return `${new Date(fromMs).toISOString()}..${new Date(toMs).toISOString()}`;
}
