// Nothing is focused: the identities to choose from, those with drops first.
import { useMemo, useState } from 'react';
import { graphOf } from '../../canvas/graph_of';
import { NoEdges } from '../../canvas/no_edges';
import { RATES } from '../../canvas/rate';
import { tellShare, totalOf } from '../../canvas/graph';
import type { Grouping } from '../../model/group_series';
import type { Picture } from '../../model/picture';
import { usePlace } from '../../place/use_place';

const MOST = 100;
const IDENTITIES: Grouping = { by: 'identity' };
const NONE: readonly string[] = [];

export function ChooseFocus({ picture }: { picture: Picture }) {
  const [place, change] = usePlace();
  const [part, search] = useState('');
  const graph = useMemo(() => graphOf(picture, IDENTITIES, NONE, place.measure), [picture, place.measure]);
  const rows = useMemo(() => {
    const sums = graph.nodes.map((node) => ({ node, total: 0, dropped: 0 }));
    for (let edge = 0; edge < graph.source.length; edge += 1) {
      for (const at of new Set([graph.source[edge]!, graph.destination[edge]!])) {
        sums[at]!.total += totalOf(graph, edge);
        sums[at]!.dropped += graph.dropped[edge]!;
      }
    }
    return sums.sort((a, b) => b.dropped - a.dropped || b.total - a.total || a.node.name.localeCompare(b.node.name));
  }, [graph]);
  if (rows.length === 0) return <NoEdges picture={picture} />;
  const found = rows.filter(({ node }) => node.name.toLowerCase().includes(part.toLowerCase()));
  const rate = RATES[place.measure];
  return (
    <>
      <div className="canvas-bar">
        <label>
          Identity
          <input
            type="search"
            value={part}
            placeholder="part of its name"
            onChange={(event) => search(event.target.value)}
          />
        </label>
        <span className="canvas-note">
          {found.length > MOST ? `top ${MOST} of ${found.length}` : `${found.length} identities`}, those with drops
          first
        </span>
      </div>
      <div className="canvas-table" role="region" aria-label="Identities" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th>Identity</th>
              <th className="number">In and out</th>
              <th className="number">✕ Dropped</th>
              <th className="number">Drop rate</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, MOST).map(({ node, total, dropped }) => (
              <tr key={node.key}>
                <td>
                  <button type="button" className="link" onClick={() => change({ focus: node.key })}>
                    {node.name}
                  </button>
                </td>
                <td className="number">{rate(total)}</td>
                <td className="number">{rate(dropped)}</td>
                <td className="number">{tellShare(total > 0 ? dropped / total : 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
