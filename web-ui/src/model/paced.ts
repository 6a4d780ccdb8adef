// At most four times a second, and less often where one time costs much: the page must stay free for its reader.

const LEAST_MS = 250;

/** A run, and what React does with it, may take this part of the time. */
const BUSY_PART = 1 / 5;
/** New drops have to be seen within a second or so. */
const MOST_MS = 1_000;

export class Paced {
  private lastMs = -Infinity;
  private pauseMs = LEAST_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly run: () => void | Promise<void>) {}

  /** Soon; several requests are one run. */
  request(): void {
    if (this.timer !== undefined) return;
    const wait = Math.max(0, this.lastMs + this.pauseMs - Date.now());
    this.timer = setTimeout(() => void this.now(), wait);
  }

  async now(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastMs = Date.now();
    const start = performance.now();
    await this.run();
    // React draws in a microtask that was queued before this one.
    queueMicrotask(() => {
      this.pauseMs = Math.min(MOST_MS, Math.max(LEAST_MS, (performance.now() - start) / BUSY_PART));
    });
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
