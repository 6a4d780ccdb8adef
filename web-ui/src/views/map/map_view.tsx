// The map: boxes with identities at lasting places, drops always, and all edges of what is pointed at or selected.
import { useCallback, useMemo, useRef, useState } from 'react';
import '../../canvas/canvas.css';
import { csvText, saveText } from '../../canvas/csv';
import { EdgeTable, edgeRows } from '../../canvas/edge_table';
import { graphOf } from '../../canvas/graph_of';
import { GroupingControl, MeasureControl } from '../../canvas/grouping_control';
import { Legend } from '../../canvas/legend';
import { NoEdges } from '../../canvas/no_edges';
import { MEASURE_WORDS, RATES } from '../../canvas/rate';
import type { Grouping } from '../../model/group_series';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { layoutFor } from './kept_layouts';
import { boxesOf } from './map_boxes';
import { MapCanvas, tellNode, type MapHandle } from './map_canvas';
import type { MapSpot } from './map_stage';
import { buildScene, ghostsOf, linesTouching } from './scene';

const IDENTITIES: Grouping = { by: 'identity' };
const NONE: readonly string[] = [];

export function MapView() {
  const picture = usePicture();
  const [place, change] = usePlace();
  const { grouping, measure, focus } = place;
  const { series } = picture;
  const handle = useRef<MapHandle>(null);
  const [arrangement, arrangeAgain] = useState(0);

  const graph = useMemo(() => graphOf(picture, IDENTITIES, NONE, measure), [picture, measure]);
  const boxes = useMemo(() => boxesOf(series, grouping), [series, grouping]);
  const layout = useMemo(() => layoutFor(grouping, boxes.members, arrangement), [grouping, boxes, arrangement]);
  const ghosts = useMemo(() => ghostsOf(boxes.members, graph, layout), [boxes, graph, layout]);
  const scene = useMemo(
    () => buildScene(graph, layout, ghosts, grouping.by === 'label'),
    [graph, layout, ghosts, grouping],
  );
  const rate = RATES[measure];

  const openEdge = useCallback(
    (edge: number) => {
      const [source, destination] = [graph.nodes[graph.source[edge]!]!, graph.nodes[graph.destination[edge]!]!];
      change({ edge: { source: source.key, destination: destination.key } });
    },
    [graph, change],
  );
  const pressed = useCallback(
    (spot: MapSpot) => {
      if (spot.kind === 'edge') openEdge(spot.edge);
      else change({ focus: spot.kind === 'card' ? graph.nodes[spot.node]!.key : undefined }, { replace: true });
    },
    [graph, change, openEdge],
  );
  const opened = useCallback(
    (node: number) => change({ view: 'focus', focus: graph.nodes[node]!.key, edge: undefined }),
    [graph, change],
  );

  const selected = focus === undefined ? -1 : graph.nodes.findIndex((node) => node.key === focus);
  const asked = selected < 0 ? 0 : linesTouching(scene, new Set([selected])).left;
  const caption = `${graph.source.length} edges between ${graph.nodes.length} identities; ${MEASURE_WORDS[measure].toLowerCase()}`;
  return (
    <section className="canvas-view" aria-label="Map">
      <div className="canvas-bar">
        <GroupingControl />
        <MeasureControl />
        {place.asTable ? null : (
          <span className="canvas-buttons">
            <button type="button" aria-label="Zoom in" onClick={() => handle.current?.zoomBy(1.25)}>
              +
            </button>
            <button type="button" aria-label="Zoom out" onClick={() => handle.current?.zoomBy(0.8)}>
              −
            </button>
            <button type="button" onClick={() => handle.current?.fit()}>
              Fit
            </button>
            <button type="button" title="Give every box a new place" onClick={() => arrangeAgain(arrangement + 1)}>
              Arrange again
            </button>
          </span>
        )}
        <span className="canvas-buttons push">
          <button
            type="button"
            aria-pressed={place.asTable}
            onClick={() => change({ asTable: !place.asTable }, { replace: true })}
          >
            As table
          </button>
          <button type="button" onClick={() => saveText('map.csv', csvText(edgeRows(graph, measure)))}>
            CSV
          </button>
        </span>
      </div>
      {selected >= 0 ? (
        <p className="canvas-note">
          <strong>{graph.nodes[selected]!.name}</strong>: {tellNode(graph, selected, rate).join('; ')}.{' '}
          <button type="button" onClick={() => opened(selected)}>
            Open in Focus
          </button>{' '}
          <button type="button" onClick={() => change({ focus: undefined }, { replace: true })}>
            Clear
          </button>
          {asked > 0 ? ` ${asked} of its edges are not drawn; the table has all.` : ''}
        </p>
      ) : null}
      {scene.drops.left > 0 ? (
        <p className="canvas-note" role="status">
          Top {scene.drops.edges.length} of {scene.drops.edges.length + scene.drops.left} edges with drops are drawn;
          select an identity for all of its own.
        </p>
      ) : null}
      {graph.source.length === 0 ? (
        <NoEdges picture={picture} />
      ) : place.asTable ? (
        <EdgeTable caption={caption} graph={graph} rate={rate} open={openEdge} />
      ) : (
        <MapCanvas
          scene={scene}
          layout={layout}
          names={boxes.names}
          selected={focus}
          rate={rate}
          pressed={pressed}
          opened={opened}
          handle={handle}
        />
      )}
      <Legend more="Dashed: dropped. Dotted: audited. Other edges show when an identity is pointed at or selected." />
    </section>
  );
}
