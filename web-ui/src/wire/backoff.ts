// How long to wait before the next attempt: longer each time, and never in step with other tabs.

const FIRST_MS = 500;
const MOST_MS = 15_000;

export class Backoff {
  private failures = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** It worked: the next failure is a first one again. */
  reset(): void {
    this.failures = 0;
  }

  nextMs(): number {
    const full = Math.min(MOST_MS, FIRST_MS * 2 ** this.failures);
    this.failures = Math.min(this.failures + 1, 16);
    return full * (0.5 + this.random() / 2);
  }
}
