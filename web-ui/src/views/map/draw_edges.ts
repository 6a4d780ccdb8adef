// Draws edges of the map: colour by the share that is dropped, dashes and arrows so that colour is not needed.
import { dropShare, totalOf, type Graph } from '../../canvas/graph';
import { dropStep, type Palette } from '../../canvas/palette';
import type { Rectangle } from '../../canvas/viewport';
import type { Lines } from './scene';

type Kind = 'forwarded' | 'audited' | 'dropped';

const DASHES: Readonly<Record<Kind, readonly number[]>> = { forwarded: [], audited: [2, 5], dropped: [9, 6] };
const WIDTHS = [1.25, 2, 3];
const ARROW = 9;

interface Style {
  readonly kind: Kind;
  readonly colour: string;
  readonly width: number;
}

function styleOf(palette: Palette, graph: Graph, edge: number, largest: number): Style {
  const total = totalOf(graph, edge);
  const width = WIDTHS[total > largest / 10 ? 2 : total > largest / 100 ? 1 : 0]!;
  const step = dropStep(dropShare(graph, edge));
  if (step > 0) return { kind: 'dropped', colour: palette.dropScale[step - 1]!, width };
  if (graph.audited[edge]! > 0) return { kind: 'audited', colour: palette.audited, width };
  return { kind: 'forwarded', colour: total > 0 ? palette.forwarded : palette.line, width };
}

/** Draws in world coordinates; edges of one style are one stroke, which is what makes many of them cheap. */
export function drawEdges(
  context: CanvasRenderingContext2D,
  palette: Palette,
  graph: Graph,
  lines: Lines,
  largest: number,
  scale: number,
  sight: Rectangle,
  skip: ReadonlySet<number> | undefined,
): void {
  const strokes = new Map<string, { style: Style; lines: Path2D; arrows: Path2D }>();
  lines.edges.forEach((edge, index) => {
    const at = index * 6;
    if (skip?.has(edge) || !inSight(lines.curves, at, sight)) return;
    const style = styleOf(palette, graph, edge, largest);
    const key = `${style.kind} ${style.colour} ${style.width}`;
    let stroke = strokes.get(key);
    if (!stroke) {
      stroke = { style, lines: new Path2D(), arrows: new Path2D() };
      strokes.set(key, stroke);
    }
    addLine(stroke.lines, stroke.arrows, lines.curves, at, ARROW / Math.max(scale, 0.35));
  });
  for (const { style, lines: path, arrows } of strokes.values()) {
    strokePath(context, path, style, scale);
    context.setLineDash([]);
    context.fillStyle = style.colour;
    context.fill(arrows);
  }
}

/** One edge, heavy: what the pointer is on. */
export function drawEdge(
  context: CanvasRenderingContext2D,
  palette: Palette,
  graph: Graph,
  edge: number,
  curve: Float32Array,
  scale: number,
): void {
  const style = { ...styleOf(palette, graph, edge, 0), width: 4 };
  const path = new Path2D();
  const arrow = new Path2D();
  addLine(path, arrow, curve, 0, (ARROW + 4) / Math.max(scale, 0.35));
  strokePath(context, path, style, scale);
  context.setLineDash([]);
  context.fillStyle = style.colour;
  context.fill(arrow);
}

function strokePath(context: CanvasRenderingContext2D, path: Path2D, style: Style, scale: number): void {
  context.strokeStyle = style.colour;
  // Widths and dashes are of the screen, whatever the zoom.
  context.lineWidth = style.width / scale;
  context.setLineDash(DASHES[style.kind].map((length) => length / scale));
  context.stroke(path);
}

function addLine(path: Path2D, arrows: Path2D, curves: Float32Array, at: number, size: number): void {
  const [bendX, bendY, toX, toY] = [curves[at + 2]!, curves[at + 3]!, curves[at + 4]!, curves[at + 5]!];
  path.moveTo(curves[at]!, curves[at + 1]!);
  path.quadraticCurveTo(bendX, bendY, toX, toY);
  const angle = Math.atan2(toY - bendY, toX - bendX);
  arrows.moveTo(toX, toY);
  arrows.lineTo(toX - size * Math.cos(angle - 0.4), toY - size * Math.sin(angle - 0.4));
  arrows.lineTo(toX - size * Math.cos(angle + 0.4), toY - size * Math.sin(angle + 0.4));
  arrows.closePath();
}

/** A curve lies within the bounds of its three points. */
function inSight(curves: Float32Array, at: number, sight: Rectangle): boolean {
  const [a, b, c] = [curves[at]!, curves[at + 2]!, curves[at + 4]!];
  const [d, e, f] = [curves[at + 1]!, curves[at + 3]!, curves[at + 5]!];
  return (
    Math.max(a, b, c) >= sight.x &&
    Math.min(a, b, c) <= sight.x + sight.width &&
    Math.max(d, e, f) >= sight.y &&
    Math.min(d, e, f) <= sight.y + sight.height
  );
}
