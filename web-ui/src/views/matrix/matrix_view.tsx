// The matrix: who talks to whom, grouped, with what was allowed, audited and dropped in every cell.
import { useCallback, useMemo, useRef } from 'react';
import '../../canvas/canvas.css';
import { csvText, saveText } from '../../canvas/csv';
import { EdgeTable, edgeRows } from '../../canvas/edge_table';
import { graphOf } from '../../canvas/graph_of';
import { GroupingControl, MeasureControl } from '../../canvas/grouping_control';
import { Legend } from '../../canvas/legend';
import { MEASURE_WORDS, RATES } from '../../canvas/rate';
import { NoEdges } from '../../canvas/no_edges';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { MOST_POSITIONS } from './axis';
import type { Spot } from './geometry';
import { buildGrid, edgeAt } from './grid';
import { MatrixCanvas, type MatrixHandle } from './matrix_canvas';
import { readableGrouping } from './readable_grouping';

export function MatrixView() {
  const picture = usePicture();
  const [place, change] = usePlace();
  const { measure, expanded } = place;
  const { series, matches } = picture;
  const handle = useRef<MatrixHandle>(null);

  const readable = useMemo(
    () => readableGrouping({ series, matches }, place.grouping),
    [series, matches, place.grouping],
  );
  const cut = readable.grouping.by !== place.grouping.by && !place.ungrouped;
  const grouping = cut ? readable.grouping : place.grouping;
  const graph = useMemo(() => graphOf(picture, grouping, expanded, measure), [picture, grouping, expanded, measure]);
  const grid = useMemo(() => buildGrid(graph), [graph]);
  const rate = RATES[measure];

  const openEdge = useCallback(
    (edge: number) => {
      const [source, destination] = [graph.nodes[graph.source[edge]!]!, graph.nodes[graph.destination[edge]!]!];
      change({ edge: { source: source.key, destination: destination.key } });
    },
    [graph, change],
  );
  const pressed = useCallback(
    (spot: Spot) => {
      if (spot.kind === 'cell') {
        const edge = edgeAt(grid, spot.row, spot.column);
        if (edge >= 0) openEdge(edge);
      } else if (spot.kind === 'row' || spot.kind === 'column') {
        const at = spot.kind === 'row' ? grid.rows.nodes[spot.row]! : grid.columns.nodes[spot.column]!;
        const node = graph.nodes[at]!;
        if (node.expandable) change({ expanded: [...expanded, node.key] });
        else change({ view: 'focus', focus: node.key, edge: undefined });
      } else if (spot.kind === 'block') {
        const block = grid[spot.side].blocks[spot.block]!;
        if (block.collapsible) change({ expanded: expanded.filter((key) => key !== block.key) });
      }
    },
    [grid, graph, expanded, change, openEdge],
  );

  const groups = graph.nodes.filter((node) => node.expandable).map((node) => node.key);
  const caption = `${graph.source.length} edges between ${graph.nodes.length} groups; ${MEASURE_WORDS[measure].toLowerCase()}`;
  return (
    <section className="canvas-view" aria-label="Matrix">
      <div className="canvas-bar">
        <GroupingControl />
        <MeasureControl />
        <span className="canvas-buttons">
          <button
            type="button"
            disabled={groups.length === 0 || graph.nodes.length > 300}
            onClick={() => change({ expanded: [...expanded, ...groups] })}
          >
            Expand all
          </button>
          <button type="button" disabled={expanded.length === 0} onClick={() => change({ expanded: [] })}>
            Collapse
          </button>
        </span>
        {place.asTable ? null : (
          <span className="canvas-buttons">
            <button type="button" aria-label="Larger cells" onClick={() => handle.current?.zoomBy(1.25)}>
              +
            </button>
            <button type="button" aria-label="Smaller cells" onClick={() => handle.current?.zoomBy(0.8)}>
              −
            </button>
            <button type="button" onClick={() => handle.current?.fit()}>
              Fit
            </button>
            <button type="button" onClick={() => handle.current?.reset()}>
              Reset
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
          <button type="button" onClick={() => saveText('matrix.csv', csvText(edgeRows(graph, measure)))}>
            CSV
          </button>
        </span>
      </div>
      {cut ? (
        <p className="canvas-note" role="status">
          {readable.wanted} rows are too many to read: shown by {grouping.by}.{' '}
          <button type="button" onClick={() => change({ ungrouped: true })}>
            Show all {readable.wanted}
          </button>
        </p>
      ) : null}
      {grid.rows.left + grid.columns.left > 0 ? (
        <p className="canvas-note" role="status">
          Only the first {MOST_POSITIONS} rows and columns are shown; a filter shows the others.
        </p>
      ) : null}
      {graph.source.length === 0 ? (
        <NoEdges picture={picture} />
      ) : place.asTable ? (
        <EdgeTable caption={caption} graph={graph} rate={rate} open={openEdge} />
      ) : (
        <MatrixCanvas grid={grid} rate={rate} selected={place.edge} pressed={pressed} handle={handle} />
      )}
      <Legend more="A row sends, a column receives." />
    </section>
  );
}
