// The canvas of the map in the page: hover box, and what is said to screen readers.
import { useEffect, useImperativeHandle, useRef, type Ref } from 'react';
import { tellEdge, tellShare, type Graph } from '../../canvas/graph';
import { HoverBox } from '../../canvas/hover_box';
import type { Rate } from '../../canvas/rate';
import type { MapLayout } from './layout';
import { MapStage, type MapSpot } from './map_stage';
import { Minimap, type MinimapScene } from './minimap';
import type { Scene } from './scene';

function minimapOf(scene: Scene, layout: MapLayout): MinimapScene {
  return { world: layout.world, boxes: [...layout.pieces], dropped: scene.cards.filter((card) => card.share > 0) };
}

export interface MapHandle {
  zoomBy(factor: number): void;
  fit(): void;
}

export interface MapCanvasProps {
  readonly scene: Scene;
  readonly layout: MapLayout;
  readonly names: ReadonlyMap<string, string>;
  /** Key of the identity that is selected. */
  readonly selected: string | undefined;
  readonly rate: Rate;
  readonly pressed: (spot: MapSpot) => void;
  readonly opened: (node: number) => void;
  readonly handle: Ref<MapHandle>;
}

/** What goes in, what goes out, and what of it is dropped. */
export function tellNode(graph: Graph, node: number, rate: Rate): string[] {
  const sums = { in: 0, out: 0, inDropped: 0, outDropped: 0 };
  for (let edge = 0; edge < graph.source.length; edge += 1) {
    const dropped = graph.dropped[edge]!;
    const total = graph.forwarded[edge]! + graph.audited[edge]! + dropped;
    if (graph.source[edge] === node) {
      sums.out += total;
      sums.outDropped += dropped;
    }
    if (graph.destination[edge] === node) {
      sums.in += total;
      sums.inDropped += dropped;
    }
  }
  const line = (what: string, total: number, dropped: number) =>
    `${what} ${rate(total)}${dropped > 0 ? `, ✕ ${tellShare(dropped / total)} dropped` : ''}`;
  return [line('in', sums.in, sums.inDropped), line('out', sums.out, sums.outDropped)];
}

function tellSpot(graph: Graph, spot: MapSpot, rate: Rate): { title: string; lines: string[] } | undefined {
  if (spot.kind === 'card') {
    const node = graph.nodes[spot.node];
    return node && { title: node.name, lines: [...tellNode(graph, spot.node, rate), 'double click: Focus'] };
  }
  if (spot.kind === 'edge' && spot.edge < graph.source.length) {
    const [source, destination] = [graph.nodes[graph.source[spot.edge]!]!, graph.nodes[graph.destination[spot.edge]!]!];
    return { title: `${source.name} → ${destination.name}`, lines: tellEdge(graph, spot.edge, rate).split(', ') };
  }
  return undefined;
}

export function MapCanvas({ scene, layout, names, selected, rate, pressed, opened, handle }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const small = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const said = useRef<HTMLDivElement>(null);
  const stage = useRef<MapStage>(null);
  // What listeners of the stage need of the newest rendering.
  const newest = useRef({ scene, rate, pressed, opened, inSmall: minimapOf(scene, layout) });

  useEffect(() => {
    const hoverBox = new HoverBox(box.current!);
    const minimap = new Minimap(small.current!, (x, y) => stage.current?.centre(x, y));
    const made = new MapStage(canvas.current!, {
      hovered: (spot, x, y) => {
        const told = tellSpot(newest.current.scene.graph, spot, newest.current.rate);
        if (told) hoverBox.show(x, y, told.title, told.lines);
        else hoverBox.hide();
      },
      pressed: (spot) => newest.current.pressed(spot),
      opened: (node) => newest.current.opened(node),
      moved: (node) => {
        const told = tellSpot(newest.current.scene.graph, { kind: 'card', node }, newest.current.rate);
        said.current!.textContent = told ? `${told.title}: ${told.lines.slice(0, 2).join(', ')}` : '';
      },
      seen: (sight, palette) => minimap.show(newest.current.inSmall, sight, palette),
    });
    stage.current = made;
    return () => {
      made.dispose();
      minimap.dispose();
      stage.current = null;
    };
  }, []);

  useEffect(() => {
    newest.current = { scene, rate, pressed, opened, inSmall: minimapOf(scene, layout) };
    const at = selected === undefined ? -1 : scene.graph.nodes.findIndex((node) => node.key === selected);
    stage.current?.show(scene, layout, names, at);
  }, [scene, layout, names, selected, rate, pressed, opened]);

  useImperativeHandle(handle, () => ({
    zoomBy: (factor) => stage.current?.zoomBy(factor),
    fit: () => stage.current?.fit(),
  }));

  return (
    <div className="canvas-frame">
      <canvas
        ref={canvas}
        className="map"
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        aria-label={`Map of ${scene.cards.length} identities. Arrow keys move from card to card, Enter selects one, Enter again opens Focus, plus and minus zoom, 0 fits. “As table” shows all edges as a table.`}
      />
      <canvas ref={small} className="minimap" aria-hidden hidden />
      <div ref={box} className="hover-box" aria-hidden hidden />
      <div ref={said} className="said-only" aria-live="polite" />
    </div>
  );
}
