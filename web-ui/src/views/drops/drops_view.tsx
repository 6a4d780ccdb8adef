// What is dropped: on which edge, for what reason, by which rule, on which node, since when.
import { useMemo } from 'react';
import { rangeSeconds } from '../../model/picture';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { EdgeValue, PortValue, RuleValue } from '../../show/end';
import { NoCounts } from '../../show/no_counts';
import { EmptyState } from '../../show/notice';
import { agoText, exactText, portText, rateText, timeText } from '../../show/numbers';
import { pickNode, pickReason } from '../../show/pick';
import { DataTable, type Column } from '../../show/table';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import { dropRows, type DropRow } from './drop_rows';

/** What has to be seen on a small screen comes first. `nowMs`: the end of what is counted, absent of the past. */
function columnsOf(seconds: number, nowMs: number | undefined): Column<DropRow>[] {
  return [
    {
      key: 'edge',
      name: 'From → to',
      sortBy: ({ series }) => `${series.source.name} ${series.destination.name}`,
      cell: ({ series }) => <EdgeValue source={series.source} destination={series.destination} />,
    },
    {
      key: 'port',
      name: 'Port',
      sortBy: ({ series }) => portText(series.protocol, series.port),
      cell: ({ series }) => (
        <span className="nowrap">
          <PortValue protocol={series.protocol} port={series.port} />
        </span>
      ),
    },
    {
      key: 'connections',
      name: 'Connections',
      number: true,
      sortBy: (row) => row.connections,
      cell: (row) => exactText(row.connections),
    },
    {
      key: 'first',
      name: 'Since',
      number: true,
      sortBy: (row) => row.firstSeenMs,
      cell: (row) => timeText(row.firstSeenMs),
    },
    {
      key: 'last',
      name: 'Last',
      number: true,
      sortBy: (row) => row.lastSeenMs,
      cell: (row) => (nowMs === undefined ? timeText(row.lastSeenMs) : agoText(row.lastSeenMs, nowMs)),
    },
    {
      key: 'reason',
      name: 'Reason',
      sortBy: ({ series }) => series.dropReason,
      cell: ({ series }) => (
        <span className="nowrap">
          <VerdictMark verdict="dropped" label={false} /> <Value pick={pickReason(series.dropReason)} />
        </span>
      ),
    },
    {
      key: 'rule',
      name: 'Rule',
      sortBy: ({ series }) => series.rule?.description ?? '',
      cell: ({ series }) => <RuleValue rule={series.rule} />,
    },
    {
      key: 'node',
      name: 'Node',
      sortBy: ({ series }) => series.node,
      cell: ({ series }) => (
        <>
          <Value pick={pickNode(series.node, series.node.slice(series.node.indexOf('/') + 1))} />{' '}
          <span className="faint">{series.direction}</span>
        </>
      ),
    },
    {
      key: 'rate',
      name: 'Rate',
      number: true,
      sortBy: (row) => row.connections,
      cell: (row) => rateText(row.connections / seconds),
    },
    {
      key: 'packets',
      name: 'Packets',
      number: true,
      sortBy: (row) => row.packets,
      cell: (row) => exactText(row.packets),
    },
  ];
}

const keyOf = (row: DropRow) => row.key;

export function DropsView() {
  const picture = usePicture();
  const [place, go] = usePlace();
  const now = place.range.kind === 'absolute' ? undefined : picture.rangeEndMs;
  const rows = useMemo(() => dropRows(picture), [picture]);
  const seconds = rangeSeconds(picture);
  const columns = useMemo(() => columnsOf(seconds, now), [seconds, now]);
  if (picture.empty) return <NoCounts />;
  return (
    <DataTable
      label="Drops"
      testId="drops"
      rows={rows}
      columns={columns}
      rowKey={keyOf}
      usualSort="-connections"
      empty={
        <EmptyState title="Nothing was dropped in this time">
          {place.filter !== '' && (
            <>
              At least nothing that matches.{' '}
              <button type="button" className="link-button" onClick={() => go({ filter: '' })}>
                Remove the filter
              </button>
              , or
            </>
          )}{' '}
          look at{' '}
          <button type="button" className="link-button" onClick={() => go({ range: { kind: 'last', seconds: 3600 } })}>
            the last hour
          </button>
          .
        </EmptyState>
      }
    />
  );
}
