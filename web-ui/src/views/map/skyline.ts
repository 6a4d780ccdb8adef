// Packs rectangles into a strip of fixed width; what comes later is put on top of what lies there already.

interface Step {
  x: number;
  y: number;
  width: number;
}

export class Skyline {
  private steps: Step[];

  constructor(private readonly width: number) {
    this.steps = [{ x: 0, y: 0, width }];
  }

  /** The lowest free place, the leftmost of those. Wider than the strip, it lies over its edge. */
  place(width: number, height: number): { x: number; y: number } {
    let best = { x: 0, y: Infinity };
    for (const [index, step] of this.steps.entries()) {
      if (step.x > 0 && step.x + width > this.width) break;
      const y = this.restingHeight(index, step.x + width);
      if (y < best.y) best = { x: step.x, y };
    }
    this.raise(best.x, width, best.y + height);
    return best;
  }

  private restingHeight(from: number, right: number): number {
    let y = 0;
    for (let index = from; index < this.steps.length && this.steps[index]!.x < right; index += 1) {
      y = Math.max(y, this.steps[index]!.y);
    }
    return y;
  }

  private raise(left: number, width: number, y: number): void {
    const right = left + width;
    const steps: Step[] = [];
    for (const step of this.steps) {
      const end = step.x + step.width;
      if (step.x < left) steps.push({ x: step.x, y: step.y, width: Math.min(end, left) - step.x });
      if (end > right) steps.push({ x: Math.max(step.x, right), y: step.y, width: end - Math.max(step.x, right) });
    }
    steps.push({ x: left, y, width });
    this.steps = steps.sort((a, b) => a.x - b.x);
  }
}
