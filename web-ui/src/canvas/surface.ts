// A canvas that is as sharp as the screen, and is drawn only when something changed.

export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

/** More pixels than this per CSS pixel cost time and show nothing. */
const MOST_PIXELS = 2;

export class Surface {
  private frame = 0;
  private width = 0;
  private height = 0;
  private ratio = 1;
  private readonly context: CanvasRenderingContext2D;
  private readonly watcher: ResizeObserver;

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly draw: Draw,
    private readonly resized: (width: number, height: number) => void = () => undefined,
  ) {
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) {
      throw new Error('this browser draws no 2d canvas');
    }
    this.context = context;
    this.watcher = new ResizeObserver(() => this.measure());
    // Tells the first size too, after whoever makes the surface has kept it.
    this.watcher.observe(canvas);
  }

  get size(): { width: number; height: number } {
    return { width: this.width, height: this.height };
  }

  /** Something that is drawn has changed: draw with the next frame, once. */
  invalidate(): void {
    if (this.frame === 0) {
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.render();
      });
    }
  }

  dispose(): void {
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.frame = -1;
  }

  private measure(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = Math.min(window.devicePixelRatio || 1, MOST_PIXELS);
    if (clientWidth === this.width && clientHeight === this.height && ratio === this.ratio) {
      return;
    }
    this.width = clientWidth;
    this.height = clientHeight;
    this.ratio = ratio;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.resized(clientWidth, clientHeight);
    // A resized canvas is empty: drawn at once it does not flicker.
    this.render();
  }

  private render(): void {
    if (this.width === 0 || this.height === 0) {
      return;
    }
    this.context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.draw(this.context, this.width, this.height);
  }
}
