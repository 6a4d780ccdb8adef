// The connections of an edge over time, by verdict, as stacked bars.
import { shortNumber } from '../../canvas/rate';
import type { TimelinePoint } from '../../model/picture';

const WIDTH = 420;
const HEIGHT = 96;
const STACK = ['dropped', 'audited', 'forwarded'] as const;

const clock = (ms: number) => new Date(ms).toLocaleTimeString();

export interface Bar {
  readonly x: number;
  readonly width: number;
  readonly verdict: (typeof STACK)[number];
  readonly y: number;
  readonly height: number;
}

/** Heights are rates, so that windows of different lengths can stand side by side. */
export function barsOf(points: readonly TimelinePoint[]): { bars: Bar[]; largest: number } {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return { bars: [], largest: 0 };
  const span = last.startMs + last.lengthMs - first.startMs;
  const rate = (point: TimelinePoint, verdict: Bar['verdict']) => (point[verdict] * 1000) / point.lengthMs;
  const largest = points.reduce(
    (most, point) =>
      Math.max(
        most,
        STACK.reduce((sum, verdict) => sum + rate(point, verdict), 0),
      ),
    0,
  );
  const bars: Bar[] = [];
  for (const point of points) {
    let y = HEIGHT;
    for (const verdict of STACK) {
      const value = rate(point, verdict);
      if (value <= 0) continue;
      // A single drop among thousands is still a line that can be seen.
      const height = Math.max((value / largest) * (HEIGHT - 4), 2);
      y -= height;
      const x = ((point.startMs - first.startMs) / span) * WIDTH;
      bars.push({ x, width: Math.max((point.lengthMs / span) * WIDTH - 1, 1), verdict, y, height });
    }
  }
  return { bars, largest };
}

export function RateChart({ points }: { points: readonly TimelinePoint[] }) {
  const { bars, largest } = barsOf(points);
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return null;
  const total = (verdict: Bar['verdict']) => shortNumber(points.reduce((sum, point) => sum + point[verdict], 0));
  return (
    <figure className="rate-chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`New connections over time: ${total('forwarded')} allowed, ${total('audited')} audited, ${total('dropped')} dropped; at most ${shortNumber(largest)} per second`}
      >
        {bars.map((bar) => (
          <rect
            key={`${bar.x} ${bar.verdict}`}
            className={`bar-${bar.verdict}`}
            x={bar.x}
            y={bar.y}
            width={bar.width}
            height={bar.height}
          />
        ))}
      </svg>
      <figcaption>
        <span>{clock(first.startMs)}</span>
        <span>at most {shortNumber(largest)} new connections/s</span>
        <span>{clock(last.startMs + last.lengthMs)}</span>
      </figcaption>
    </figure>
  );
}
