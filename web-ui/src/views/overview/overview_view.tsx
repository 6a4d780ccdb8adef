// The first view: how much, how much of it is dropped and why, who talks most, what is new.
import './overview.css';
import { memo, useMemo } from 'react';
import { rangeSeconds, type Measure } from '../../model/picture';
import { statuses } from '../../model/live_state';
import { useStore } from '../../model/store';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { EdgeValue, PortValue, RuleValue } from '../../show/end';
import { NoCounts } from '../../show/no_counts';
import { EmptyState } from '../../show/notice';
import { bytesText, countText, exactText, rateText, shareText } from '../../show/numbers';
import { pickReason } from '../../show/pick';
import { topOf } from '../../show/top';
import { Timeline } from '../../show/timeline';
import { useGrowing } from '../../show/use_growing';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import { edgeRows, portsOf, reasonRows, totalsOf, type EdgeRow } from './edges';
import { NewEdges } from './new_edges';

const TOP = 10;
/** In this order, a frame each. Edges are put together before they are drawn. */
const PARTS = ['figures', 'reasons', 'edges', 'talkers', 'new edges'] as const;
const MEASURES: readonly (readonly [Measure, string])[] = [
  ['connections', 'Connections'],
  ['packets', 'Packets'],
  ['bytes', 'Bytes'],
];

export function measureText(measure: Measure, count: number): string {
  return measure === 'bytes' ? bytesText(count) : countText(count);
}

function Figure({
  name,
  value,
  note,
  testId,
  bad,
}: {
  name: string;
  value: string;
  note: string;
  testId: string;
  bad?: boolean;
}) {
  return (
    <div className={bad ? 'card figure figure-bad' : 'card figure'} data-testid={testId}>
      <h2>{name}</h2>
      <strong>{value}</strong>
      <span className="faint">{note}</span>
    </div>
  );
}

function Ports({ row }: { row: EdgeRow }) {
  const ports = portsOf(row.edge);
  const shown = ports.slice(0, 2);
  const left = ports.length - shown.length;
  return (
    <span className="overview-ports">
      {shown.map(({ protocol, port }) => (
        <PortValue key={`${protocol} ${port}`} protocol={protocol} port={port} />
      ))}
      {left > 0 && <span className="faint">+{left}</span>}
    </span>
  );
}

interface TalkersProps {
  rows: readonly EdgeRow[];
  all: number;
  measure: Measure;
}

const Talkers = memo(function Talkers({ rows, all, measure }: TalkersProps) {
  const [, go] = usePlace();
  const talking = rows.reduce((count, row) => count + (row.total > 0 ? 1 : 0), 0);
  const busy = topOf(rows, TOP, (a, b) => b.total - a.total || a.edge.key.localeCompare(b.edge.key)).filter(
    (row) => row.total > 0,
  );
  const most = busy[0]?.total ?? 1;
  return (
    <section className="card overview-wide" data-testid="top-talkers" aria-label="Top talkers">
      <div className="card-head">
        <h2>Who talks most</h2>
        <span className="faint">
          Top {busy.length} of {exactText(talking)} edges
        </span>
        <span className="button-group" role="group" aria-label="Measure">
          {MEASURES.map(([key, name]) => (
            <button
              key={key}
              type="button"
              className="plain-button"
              aria-pressed={measure === key}
              onClick={() => go({ measure: key }, { replace: true })}
            >
              {name}
            </button>
          ))}
        </span>
      </div>
      <ul className="bars">
        {busy.map((row) => (
          <li key={row.edge.key} data-testid="talker">
            <span className="bar-name">
              <EdgeValue source={row.edge.source.members[0]!} destination={row.edge.destination.members[0]!} />
              <Ports row={row} />
            </span>
            <span className="bar-number">
              {measureText(measure, row.total)} <span className="faint">{shareText(row.total, all)}</span>
            </span>
            <span className="bar" aria-hidden="true">
              <span
                className="bar-forwarded"
                style={{ width: `${((row.total - row.dropped - row.audited) / most) * 100}%` }}
              />
              <span className="bar-audited" style={{ width: `${(row.audited / most) * 100}%` }} />
              <span className="bar-dropped" style={{ width: `${(row.dropped / most) * 100}%` }} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
});

function Reasons() {
  const picture = usePicture();
  const [, go] = usePlace();
  const rows = useMemo(() => reasonRows(picture), [picture]);
  const all = rows.reduce((sum, row) => sum + row.connections, 0);
  return (
    <section className="card" data-testid="top-reasons" aria-label="Why connections are dropped">
      <div className="card-head">
        <h2>Why connections are dropped</h2>
        {rows.length > 0 && (
          <button type="button" className="link-button" onClick={() => go({ view: 'drops', sort: '' })}>
            All drops
          </button>
        )}
      </div>
      {rows.length === 0 ? (
        <p className="faint">Nothing was dropped in this time.</p>
      ) : (
        <ul className="bars">
          {rows.slice(0, 6).map((row) => (
            <li key={`${row.reason} ${row.rule?.description}`}>
              <span className="bar-name">
                <VerdictMark verdict="dropped" label={false} /> <Value pick={pickReason(row.reason)} />
                <span className="faint overview-rule">
                  {row.rule ? <RuleValue rule={row.rule} /> : 'no rule allows it'}
                </span>
              </span>
              <span className="bar-number">
                {countText(row.connections)} <span className="faint">{shareText(row.connections, all)}</span>
              </span>
              <span className="bar" aria-hidden="true">
                <span className="bar-dropped" style={{ width: `${(row.connections / rows[0]!.connections) * 100}%` }} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {rows.length > 6 && <p className="faint">Top 6 of {exactText(rows.length)}</p>}
    </section>
  );
}

export function OverviewView() {
  const { empty } = usePicture();
  return empty ? <NoCounts /> : <Parts />;
}

/** They begin to come with the first picture. */
function Parts() {
  const picture = usePicture();
  const status = useStore(statuses);
  const [place, go] = usePlace();
  const ready = useGrowing(PARTS.length, 1);
  const has = (part: (typeof PARTS)[number]) => PARTS.indexOf(part) < ready;
  const hasEdges = has('edges');
  const rows = useMemo(() => (hasEdges ? edgeRows(picture, 'connections') : []), [picture, hasEdges]);
  const measured = useMemo(
    () => (place.measure === 'connections' || !hasEdges ? rows : edgeRows(picture, place.measure)),
    [picture, place.measure, rows, hasEdges],
  );
  const totals = useMemo(() => totalsOf(picture, 'connections'), [picture]);
  const all = useMemo(() => totalsOf(picture, place.measure).all, [picture, place.measure]);
  const seconds = rangeSeconds(picture);
  const lostAll = status?.nodes.reduce((sum, node) => sum + Number(node.lost), 0) ?? 0;
  return (
    <div className="overview">
      <div className="figures">
        <Figure
          name="New connections"
          value={rateText(totals.all / seconds)}
          note={`${exactText(totals.all)} in this time`}
          testId="connections"
        />
        <Figure
          name="Flows"
          value={status ? rateText(status.flowsRate) : '–'}
          note="of all nodes, whatever the filter"
          testId="flows"
        />
        <Figure
          name="Dropped"
          value={shareText(totals.dropped, totals.all)}
          note={`${exactText(totals.dropped)} connections, ${rateText(totals.dropped / seconds)}`}
          testId="dropped"
          bad={totals.dropped > 0}
        />
        <Figure
          name="Audited"
          value={shareText(totals.audited, totals.all)}
          note={`${exactText(totals.audited)} that a rule would drop`}
          testId="audited"
        />
        <Figure
          name="Lost"
          value={exactText(picture.lost)}
          note={`flows; ${exactText(lostAll)} in all`}
          testId="lost-flows"
          bad={picture.lost > 0}
        />
      </div>
      <section className="card" aria-label="New connections over time">
        <div className="card-head">
          <h2>New connections</h2>
          <span className="legend">
            <VerdictMark verdict="forwarded" /> <VerdictMark verdict="audited" /> <VerdictMark verdict="dropped" />
          </span>
        </div>
        <Timeline points={picture.timeline} startMs={picture.rangeStartMs} endMs={picture.rangeEndMs} />
      </section>
      {totals.all === 0 && (
        <EmptyState
          title={place.filter === '' ? 'No connection was opened in this time' : 'Nothing matches in this time'}
        >
          {place.filter === '' ? (
            <>Choose a longer time, or open a connection between two endpoints.</>
          ) : (
            <>
              Choose a longer time or{' '}
              <button type="button" className="link-button" onClick={() => go({ filter: '' })}>
                remove the filter
              </button>
              .
            </>
          )}
        </EmptyState>
      )}
      <div className="overview-cards">
        {has('talkers') && all > 0 && <Talkers rows={measured} all={all} measure={place.measure} />}
        <div className="overview-column">
          {has('reasons') && <Reasons />}
          {has('new edges') && <NewEdges rows={rows} />}
        </div>
      </div>
    </div>
  );
}
