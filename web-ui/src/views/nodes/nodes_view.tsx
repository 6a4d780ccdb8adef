// Nodes: whether they are connected, how late and how wrong their clocks are, how far back they remember, what was lost.
import { useMemo } from 'react';
import type { NodeHealth } from '../../gen/tycho/v1/dashboard_pb';
import { NodeKind } from '../../gen/tycho/v1/nodes_pb';
import { NodeState } from '../../gen/relay/relay_pb';
import { links, statuses } from '../../model/live_state';
import { useStore } from '../../model/store';
import { EmptyState } from '../../show/notice';
import { agoText, bytesText, durationText, exactText, rateText, timeText } from '../../show/numbers';
import { pickNode } from '../../show/pick';
import { DataTable, type Column } from '../../show/table';
import { Value } from '../../show/value';

const STATES: Readonly<Record<NodeState, string>> = {
  [NodeState.UNKNOWN_NODE_STATE]: 'unknown',
  [NodeState.NODE_CONNECTED]: 'connected',
  [NodeState.NODE_UNAVAILABLE]: 'unavailable',
  [NodeState.NODE_GONE]: 'gone',
  [NodeState.NODE_ERROR]: 'error',
};

const KINDS: Readonly<Record<NodeKind, string>> = {
  [NodeKind.NODE_KIND_UNSPECIFIED]: '',
  [NodeKind.OBSERVER]: 'observer',
  [NodeKind.RELAY]: 'relay',
  [NodeKind.HUBBLE]: 'Hubble',
};

const nameOf = (row: NodeHealth) => row.node?.node?.name ?? '';
const stateOf = (row: NodeHealth) => row.node?.state ?? NodeState.UNKNOWN_NODE_STATE;
const sinceOf = (row: NodeHealth) => Number(row.node?.since?.seconds ?? 0n) * 1000;

function offsetText(row: NodeHealth): string {
  const offset = row.node?.clockOffsetNs;
  if (offset === undefined) return '–';
  const ms = Number(offset) / 1e6;
  return `${ms > 0 ? '+' : ''}${ms.toFixed(Math.abs(ms) < 10 ? 1 : 0)} ms`;
}

const optional = (ms: number | undefined) => (ms === undefined ? '–' : durationText(Math.max(0, ms)));

function columnsOf(now: number): Column<NodeHealth>[] {
  return [
    { key: 'name', name: 'Node', sortBy: nameOf, cell: (row) => <Value pick={pickNode(nameOf(row))} /> },
    {
      key: 'state',
      name: 'State',
      sortBy: (row) => STATES[stateOf(row)],
      cell: (row) => (
        <span className={stateOf(row) === NodeState.NODE_CONNECTED ? '' : 'said said-bad'} data-testid="node-state">
          {STATES[stateOf(row)]}
        </span>
      ),
    },
    { key: 'since', name: 'Since', number: true, sortBy: sinceOf, cell: (row) => agoText(sinceOf(row), now) },
    {
      key: 'rate',
      name: 'Flows',
      number: true,
      sortBy: (row) => row.node?.flowsRate ?? 0,
      cell: (row) => rateText(row.node?.flowsRate ?? 0),
    },
    { key: 'lag', name: 'Lag', number: true, sortBy: (row) => row.lagMs ?? -1, cell: (row) => optional(row.lagMs) },
    {
      key: 'offset',
      name: 'Clock',
      number: true,
      sortBy: (row) => Math.abs(Number(row.node?.clockOffsetNs ?? 0n)),
      cell: (row) => (
        <span
          className={row.node?.skewed ? 'said said-bad' : ''}
          title={`± ${durationText(Number(row.node?.clockErrorNs ?? 0n) / 1e6)}`}
        >
          {offsetText(row)}
        </span>
      ),
    },
    {
      key: 'held',
      name: 'Held',
      number: true,
      sortBy: (row) => Number(row.node?.node?.numFlows ?? 0n),
      cell: ({ node }) => (
        <span title={`flows, of at most ${exactText(Number(node?.node?.maxFlows ?? 0n))}`}>
          {node?.state === NodeState.NODE_CONNECTED ? exactText(Number(node.node?.numFlows ?? 0n)) : '–'}
        </span>
      ),
    },
    {
      key: 'ring',
      name: 'Oldest flow',
      number: true,
      sortBy: (row) => row.ringAgeMs ?? -1,
      cell: (row) => (row.ringAgeMs === undefined ? '–' : `${durationText(row.ringAgeMs)} old`),
    },
    {
      key: 'lost',
      name: 'Lost',
      number: true,
      sortBy: (row) => Number(row.lost),
      cell: (row) => <span className={row.lost > 0n ? 'said said-bad' : ''}>{exactText(Number(row.lost))}</span>,
    },
    {
      key: 'kind',
      name: 'What',
      sortBy: (row) => KINDS[row.node?.kind ?? 0],
      cell: (row) => (
        <span className="faint">
          {KINDS[row.node?.kind ?? 0]} {row.node?.node?.version} {row.node?.behind && `behind ${row.node.behind}`}
        </span>
      ),
    },
    {
      key: 'problem',
      name: 'Problem',
      sortBy: (row) => row.node?.problem ?? '',
      cell: (row) =>
        row.node?.problem ? (
          <span title={row.node.problem}>{row.node.problem}</span>
        ) : (
          <span className="faint">none</span>
        ),
    },
  ];
}

export function NodesView() {
  const status = useStore(statuses);
  const link = useStore(links);
  const now = status?.nowMs ?? 0;
  const columns = useMemo(() => columnsOf(now), [now]);
  if (!status)
    return (
      <EmptyState
        title={link.state === 'live' ? 'Asking the server …' : 'The server has not said yet which nodes there are'}
      />
    );
  return (
    <>
      <DataTable
        label="Nodes"
        testId="nodes"
        rows={status.nodes}
        columns={columns}
        rowKey={nameOf}
        usualSort="name"
        empty={
          <EmptyState title="The relay knows no node">
            Name one with <code>tycho relay --peer ADDRESS</code>, or let observers register.
          </EmptyState>
        }
      />
      <p className="faint" data-testid="server">
        Served by {status.server} {status.version}. It holds {exactText(status.series)} of at most{' '}
        {exactText(status.mostSeries)} edges in {bytesText(Number(status.bytesHeld))}:{' '}
        {status.resolutions
          .filter((one) => one.oldestMs > 0)
          .map(
            (one) =>
              `windows of ${durationText(one.lengthMs)} since ${timeText(one.oldestMs)}${one.cut ? ' (older ones given up for want of memory)' : ''}`,
          )
          .join(', ')}
        .
      </p>
    </>
  );
}
