// Focus: who calls one identity, what it is, and whom it calls, with ports, verdicts and rules.
// Lanes of plain elements: they are read, selected and tabbed through as text is, and no graph library is loaded.
import { useMemo } from 'react';
import '../../canvas/canvas.css';
import './focus.css';
import { MeasureControl } from '../../canvas/grouping_control';
import { Legend } from '../../canvas/legend';
import { RATES, type Rate } from '../../canvas/rate';
import { rangeSeconds, type Picture } from '../../model/picture';
import type { LabelSet } from '../../model/series';
import { usePicture } from '../../model/use_picture';
import { usePlace } from '../../place/use_place';
import { pickLabel } from '../../show/pick';
import { Value } from '../../show/value';
import { endOf, type End } from '../../panels/edge/ends';
import { ChooseFocus } from './choose_focus';
import { PeerCard } from './peer_card';
import { focusOn, type Lane } from './peers';

export function FocusView() {
  const picture = usePicture();
  const [place, change] = usePlace();
  const { series } = picture;
  const { focus, grouping } = place;
  const end = useMemo(() => (focus ? endOf(series, focus, grouping) : undefined), [series, focus, grouping]);
  return (
    <section className="canvas-view focus-view" aria-label="Focus">
      <div className="canvas-bar">
        <MeasureControl />
        {focus ? (
          <button type="button" onClick={() => change({ focus: undefined, edge: undefined })}>
            Choose another
          </button>
        ) : null}
        <Legend more="Callers on the left, callees on the right; the worst first." />
      </div>
      {end ? (
        <Lanes picture={picture} end={end} />
      ) : focus && !picture.empty ? (
        <div className="canvas-empty">
          <p>This server knows no identity “{focus}” (any more).</p>
        </div>
      ) : (
        <ChooseFocus picture={picture} />
      )}
    </section>
  );
}

function Lanes({ picture, end }: { picture: Picture; end: End }) {
  const [place, change] = usePlace();
  const { measure } = place;
  const { callers, callees } = useMemo(() => focusOn(picture, end, measure), [picture, end, measure]);
  const seconds = rangeSeconds(picture);
  const rate = RATES[measure];
  const focus = (set: LabelSet) => change({ focus: set.key, edge: undefined });
  const lane = (title: string, of: Lane, edge: (set: LabelSet) => { source: string; destination: string }) => (
    <LaneList title={title} lane={of}>
      {of.peers.map((peer) => (
        <PeerCard
          key={peer.set.key}
          peer={peer}
          seconds={seconds}
          rate={rate}
          focus={focus}
          openEdge={() => change({ edge: edge(peer.set) })}
        />
      ))}
    </LaneList>
  );
  return (
    <div className="focus-lanes">
      {lane('Callers', callers, (set) => ({ source: set.key, destination: end.key }))}
      <Centre end={end} callers={callers} callees={callees} seconds={seconds} rate={rate} />
      {lane('Callees', callees, (set) => ({ source: end.key, destination: set.key }))}
    </div>
  );
}

function LaneList({ title, lane, children }: { title: string; lane: Lane; children: React.ReactNode }) {
  const left = lane.of - lane.peers.length;
  return (
    <section className={`lane lane-${title.toLowerCase()}`} aria-label={title}>
      <h2>
        {title} <span className="canvas-note">{left > 0 ? `top ${lane.peers.length} of ${lane.of}` : lane.of}</span>
      </h2>
      {lane.of === 0 ? (
        <p className="canvas-note">None in this range, or none that the filter shows.</p>
      ) : (
        <ul>{children}</ul>
      )}
      {left > 0 ? <p className="canvas-note">{left} more; a filter or the matrix shows them.</p> : null}
    </section>
  );
}

interface CentreProps {
  readonly end: End;
  readonly callers: Lane;
  readonly callees: Lane;
  readonly seconds: number;
  readonly rate: Rate;
}

function totals({ peers }: Lane): { total: number; dropped: number } {
  return peers.reduce(
    (sum, peer) => ({
      total: sum.total + peer.forwarded + peer.audited + peer.dropped,
      dropped: sum.dropped + peer.dropped,
    }),
    { total: 0, dropped: 0 },
  );
}

const MOST_SETS = 6;

function Centre({ end, callers, callees, seconds, rate }: CentreProps) {
  const sets = [...end.sets];
  const labels = sets.length === 1 ? sets[0]!.labels : [];
  const line = (what: string, lane: Lane) => {
    const { total, dropped } = totals(lane);
    return (
      <div>
        {what} {rate(total / seconds)}
        {dropped > 0 ? <strong className="dropped"> ✕ {rate(dropped / seconds)} dropped</strong> : null}
      </div>
    );
  };
  return (
    <section className="centre" aria-label="Focused">
      <div className="centre-card">
        <h2>{end.name}</h2>
        {line('in', callers)}
        {line('out', callees)}
        {sets.length === 1 ? (
          <p className="canvas-note">
            {sets[0]!.workloads.join(', ') || 'no workload known'}; identity {sets[0]!.identities.join(', ')}
          </p>
        ) : (
          <p className="canvas-note">
            {sets.length} identities:{' '}
            {sets
              .slice(0, MOST_SETS)
              .map((set) => set.name)
              .join(', ')}
            {sets.length > MOST_SETS ? ' …' : ''}
          </p>
        )}
        <ul className="labels">
          {labels.map((label) => (
            <li key={label}>
              <Value pick={pickLabel(label)} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
