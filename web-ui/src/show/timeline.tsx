// New connections over the range, by verdict, drawn on a canvas: dropped at the bottom so that it is never covered.
import './timeline.css';
import { useEffect, useRef, useState } from 'react';
import type { TimelinePoint } from '../model/picture';
import { exactText, rateText, timeText } from './numbers';

interface Props {
  readonly points: readonly TimelinePoint[];
  readonly startMs: number;
  readonly endMs: number;
  readonly height?: number;
}

const ORDER = ['dropped', 'audited', 'forwarded'] as const;

function rateOf(point: TimelinePoint): number {
  return (point.forwarded + point.audited + point.dropped) / Math.max(1, point.lengthMs / 1000);
}

function draw(canvas: HTMLCanvasElement, { points, startMs, endMs }: Props, hover: number): void {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext('2d');
  if (!pen || width === 0 || endMs <= startMs) return;
  pen.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const colour = (name: string) => style.getPropertyValue(`--${name}`);
  const most = Math.max(1e-9, ...points.map(rateOf));
  const x = (ms: number) => ((ms - startMs) / (endMs - startMs)) * width;
  for (const [place, point] of points.entries()) {
    const left = x(point.startMs);
    const wide = Math.max(1, x(point.startMs + point.lengthMs) - left - (width / points.length > 4 ? 1 : 0));
    if (place === hover) {
      pen.fillStyle = colour('hover');
      pen.fillRect(left, 0, wide, height);
    }
    let base = height;
    for (const verdict of ORDER) {
      const tall = (point[verdict] / Math.max(1, point.lengthMs / 1000) / most) * (height - 2);
      if (tall <= 0) continue;
      const visible = Math.max(verdict === 'dropped' ? 2 : 1, tall);
      pen.fillStyle = colour(verdict);
      pen.fillRect(left, base - visible, wide, visible);
      base -= visible;
    }
    if (point.lost > 0) {
      pen.fillStyle = colour('ink');
      pen.fillRect(left, 0, wide, 2);
    }
  }
}

export function Timeline(props: Props) {
  const { points, startMs, endMs, height = 90 } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState(-1);
  useEffect(() => {
    const element = canvas.current!;
    const paint = () => draw(element, { points, startMs, endMs }, hover);
    paint();
    const size = new ResizeObserver(paint);
    size.observe(element);
    const scheme = new MutationObserver(paint);
    scheme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      size.disconnect();
      scheme.disconnect();
    };
  }, [points, startMs, endMs, hover]);
  const total = (verdict: (typeof ORDER)[number]) => points.reduce((sum, point) => sum + point[verdict], 0);
  const at = points[hover];
  const most = Math.max(0, ...points.map(rateOf));
  return (
    <figure className="timeline">
      <canvas
        ref={canvas}
        style={{ height }}
        role="img"
        aria-label={`New connections from ${timeText(startMs)} to ${timeText(endMs)}: ${exactText(total('forwarded'))} forwarded, ${exactText(total('audited'))} audited, ${exactText(total('dropped'))} dropped`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const ms = startMs + ((event.clientX - box.left) / box.width) * (endMs - startMs);
          setHover(points.findIndex((point) => ms >= point.startMs && ms < point.startMs + point.lengthMs));
        }}
        onPointerLeave={() => setHover(-1)}
      />
      <figcaption className="faint">
        <span>{timeText(at?.startMs ?? startMs)}</span>
        <span>
          {at
            ? `${exactText(at.forwarded)} forwarded · ${exactText(at.audited)} audited · ${exactText(at.dropped)} dropped${at.lost ? ` · ${exactText(at.lost)} flows lost` : ''}`
            : `highest: ${rateText(most)}`}
        </span>
        <span>{timeText(at ? at.startMs + at.lengthMs : endMs)}</span>
      </figcaption>
    </figure>
  );
}
