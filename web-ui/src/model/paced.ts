// At most four times a second: the first time at once, the next when a quarter of a second is over.

const LEAST_MS = 250;

export class Paced {
  private lastMs = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly run: () => void) {}

  /** Soon; several requests are one run. */
  request(): void {
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.lastMs + LEAST_MS - Date.now());
    this.timer = setTimeout(() => this.now(), wait);
  }

  now(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastMs = Date.now();
    this.run();
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
