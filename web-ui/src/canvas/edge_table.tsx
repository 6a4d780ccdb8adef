// The edges of a canvas as a table: the same for those who do not see the canvas, or want to sort and search.
import { useState } from 'react';
import { dropShare, tellShare, totalOf, type Graph } from './graph';
import { MARK_CHARACTERS } from './marks';
import type { Rate } from './rate';

const PAGE = 200;

type Column = 'source' | 'destination' | 'forwarded' | 'audited' | 'dropped' | 'share';

const COLUMNS: readonly { id: Column; name: string; number: boolean }[] = [
  { id: 'source', name: 'From', number: false },
  { id: 'destination', name: 'To', number: false },
  { id: 'dropped', name: `${MARK_CHARACTERS.dropped} Dropped`, number: true },
  { id: 'share', name: 'Drop rate', number: true },
  { id: 'audited', name: `${MARK_CHARACTERS.audited} Audited`, number: true },
  { id: 'forwarded', name: `${MARK_CHARACTERS.forwarded} Forwarded`, number: true },
];

/** Edges in the order of a column, numbers from the largest down; equal ones by traffic, then by name. */
export function sortEdges(graph: Graph, column: Column): number[] {
  const edges = Array.from(graph.source, (_, edge) => edge);
  const name = (edge: number, side: 'source' | 'destination') => graph.nodes[graph[side][edge]!]!.name;
  const byName = (a: number, b: number) =>
    name(a, 'source').localeCompare(name(b, 'source')) || name(a, 'destination').localeCompare(name(b, 'destination'));
  const compare = (a: number, b: number): number => {
    if (column === 'source' || column === 'destination') return name(a, column).localeCompare(name(b, column));
    if (column === 'share') return dropShare(graph, b) - dropShare(graph, a);
    return graph[column][b]! - graph[column][a]!;
  };
  return edges.sort((a, b) => compare(a, b) || totalOf(graph, b) - totalOf(graph, a) || byName(a, b));
}

export interface EdgeTableProps {
  readonly caption: string;
  readonly graph: Graph;
  readonly rate: Rate;
  readonly open: (edge: number) => void;
}

export function EdgeTable({ caption, graph, rate, open }: EdgeTableProps) {
  const [column, sortBy] = useState<Column>('dropped');
  const [most, showMore] = useState(PAGE);
  const edges = sortEdges(graph, column);
  const shown = edges.slice(0, most);
  const text = (perSecond: number) => (perSecond > 0 ? rate(perSecond) : '–');
  return (
    <div className="canvas-table" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption className="said-only">{caption}</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ id, name, number }) => (
              <th
                key={id}
                className={number ? 'number' : undefined}
                aria-sort={id === column ? (number ? 'descending' : 'ascending') : 'none'}
              >
                <button type="button" className="link" onClick={() => sortBy(id)}>
                  {name}
                  {id === column ? (number ? ' ↓' : ' ↑') : ''}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((edge) => {
            const source = graph.nodes[graph.source[edge]!]!;
            const destination = graph.nodes[graph.destination[edge]!]!;
            return (
              <tr key={`${source.key} ${destination.key}`}>
                <td>
                  <button type="button" className="link" onClick={() => open(edge)}>
                    {source.name}
                  </button>
                </td>
                <td>{destination.name}</td>
                <td className="number">{text(graph.dropped[edge]!)}</td>
                <td className="number">{graph.dropped[edge]! > 0 ? tellShare(dropShare(graph, edge)) : '–'}</td>
                <td className="number">{text(graph.audited[edge]!)}</td>
                <td className="number">{text(graph.forwarded[edge]!)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {shown.length < edges.length ? (
        <p className="canvas-note">
          Top {shown.length} of {edges.length} edges.{' '}
          <button type="button" className="link" onClick={() => showMore(most + PAGE)}>
            Show more
          </button>
        </p>
      ) : null}
    </div>
  );
}

/** All edges as rows for a spreadsheet, numbers per second and not rounded. */
export function edgeRows(graph: Graph, measure: string): (string | number)[][] {
  const rows: (string | number)[][] = [
    ['from', 'to', `forwarded ${measure}/s`, `audited ${measure}/s`, `dropped ${measure}/s`],
  ];
  for (const edge of sortEdges(graph, 'source')) {
    rows.push([
      graph.nodes[graph.source[edge]!]!.name,
      graph.nodes[graph.destination[edge]!]!.name,
      graph.forwarded[edge]!,
      graph.audited[edge]!,
      graph.dropped[edge]!,
    ]);
  }
  return rows;
}
