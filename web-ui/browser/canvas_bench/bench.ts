// Drives map and matrix with data that changes four times a second, and measures the frames. `window.bench` is the result.
import '../../src/show/theme.css';
import { graphOf } from '../../src/canvas/graph_of';
import type { Grouping } from '../../src/model/group_series';
import { MapLayout } from '../../src/views/map/layout';
import { MapStage } from '../../src/views/map/map_stage';
import { buildScene } from '../../src/views/map/scene';
import { buildGrid } from '../../src/views/matrix/grid';
import { MatrixStage } from '../../src/views/matrix/matrix_stage';
import { pictures } from './synthetic_picture';

const query = new URLSearchParams(location.search);
const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
const canvas = document.querySelector('canvas')!;
const scroller = document.getElementById('scroller')!;
const world = document.getElementById('world')!;
const next = pictures(number('identities', 200), number('edges', 2000));
const grouping: Grouping = { by: query.get('by') === 'namespace' ? 'namespace' : 'identity' };
const seconds = number('seconds', 8);
const nothing = () => undefined;
const rate = (perSecond: number) => `${perSecond.toFixed(1)}/s`;

if (query.has('dark')) document.documentElement.dataset.theme = 'dark';

interface Driven {
  data(): void;
  /** Moves something, as a hand would. */
  frame(count: number): void;
}

function event(target: Element, type: string, x: number, y: number, more: object = {}): void {
  const init = { clientX: x, clientY: y, bubbles: true, cancelable: true, ...more };
  target.dispatchEvent(
    type === 'wheel'
      ? new WheelEvent(type, init)
      : type.startsWith('pointer')
        ? new PointerEvent(type, init)
        : new MouseEvent(type, init),
  );
}

function map(): Driven {
  const stage = new MapStage(canvas, {
    hovered: nothing,
    pressed: nothing,
    opened: nothing,
    moved: nothing,
    seen: nothing,
  });
  const layout = new MapLayout(innerWidth / innerHeight);
  return {
    data: () => {
      const graph = graphOf(next(), { by: 'identity' }, [], 'connections');
      layout.place(graph.nodes.map((node) => ({ key: node.key, box: node.block })));
      stage.show(buildScene(graph, layout), layout, new Map(), -1);
    },
    frame: (count) => {
      const phase = count / 20;
      const [x, y] = [innerWidth / 2 + Math.cos(phase) * 200, innerHeight / 2 + Math.sin(phase) * 150];
      if (query.has('still')) return;
      // In and out, and the pointer over what comes under it.
      event(canvas, 'wheel', x, y, { deltaY: Math.sin(count / 60) * 40 });
      event(canvas, 'pointermove', x, y);
    },
  };
}

function matrix(): Driven {
  const stage = new MatrixStage(scroller, canvas, world, rate, { hovered: nothing, pressed: nothing, moved: nothing });
  let filled = false;
  return {
    data: () => {
      stage.show(buildGrid(graphOf(next(), grouping, [], 'connections')), rate);
      if (!filled && query.has('fit')) requestAnimationFrame(() => stage.fit());
      filled = true;
    },
    frame: (count) => {
      if (query.has('still')) return;
      scroller.scrollTo(1500 + Math.sin(count / 40) * 1500, 1500 + Math.cos(count / 55) * 1500);
      event(
        scroller,
        'mousemove',
        innerWidth / 2 + Math.cos(count / 20) * 300,
        innerHeight / 2 + Math.sin(count / 20) * 200,
      );
    },
  };
}

export interface BenchResult {
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly frameP95Ms: number;
  readonly longestTaskMs: number;
  readonly dataMs: number;
}

function measure(driven: Driven): Promise<BenchResult> {
  let longestTaskMs = 0;
  let dataMs = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longestTaskMs = Math.max(longestTaskMs, entry.duration);
  }).observe({ type: 'longtask' });
  const timer = setInterval(() => {
    const start = performance.now();
    driven.data();
    dataMs = Math.max(dataMs, performance.now() - start);
  }, 250);
  const deltas: number[] = [];
  return new Promise((done) => {
    let last = performance.now();
    const end = last + seconds * 1000;
    const frame = (now: number) => {
      deltas.push(now - last);
      last = now;
      driven.frame(deltas.length);
      if (now < end) {
        requestAnimationFrame(frame);
        return;
      }
      clearInterval(timer);
      deltas.sort((a, b) => a - b);
      const sum = deltas.reduce((total, each) => total + each, 0);
      done({
        frames: deltas.length,
        framesPerSecond: (deltas.length * 1000) / sum,
        frameP95Ms: deltas[Math.floor(deltas.length * 0.95)]!,
        longestTaskMs,
        dataMs,
      });
    };
    requestAnimationFrame(frame);
  });
}

declare global {
  interface Window {
    bench: Promise<BenchResult>;
  }
}

const driven = query.get('view') === 'matrix' ? matrix() : map();
driven.data();
// The first picture is not what is measured.
window.bench = new Promise((done) => setTimeout(() => done(measure(driven)), 1000));
