// The edge panel: all that is known of the traffic from one end to another.
import { useEffect, useMemo, useRef } from 'react';
import '../../canvas/canvas.css';
import './edge_panel.css';
import { RATES } from '../../canvas/rate';
import { rangeSeconds, type Picture } from '../../model/picture';
import type { Series } from '../../model/series';
import { usePicture } from '../../model/use_picture';
import type { Place } from '../../place/place';
import { usePlace } from '../../place/use_place';
import { timeText } from '../../show/numbers';
import { Timeline } from '../../show/timeline';
import { EdgeActions } from './edge_actions';
import { endOf, type End } from './ends';
import { JudgementTable } from './judgement_table';
import { judgementsOf, portsOf } from './judgements';
import { PortTable } from './port_table';
import { SampleFlows } from './sample_flows';

/** Draws nothing while the place names no edge. */
export function EdgePanel() {
  const picture = usePicture();
  const [place, change] = usePlace();
  const { edge } = place;
  const panel = useRef<HTMLElement>(null);
  const opened = edge && `${edge.source} ${edge.destination}`;
  useEffect(() => {
    if (opened) panel.current?.focus();
  }, [opened]);
  if (!edge) return null;
  const close = () => change({ edge: undefined });
  return (
    <aside
      ref={panel}
      className="edge-panel"
      tabIndex={-1}
      aria-label="Edge"
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        close();
      }}
    >
      <button type="button" className="close" aria-label="Close the edge panel" onClick={close}>
        ✕
      </button>
      <Ends picture={picture} place={place} source={edge.source} destination={edge.destination} />
    </aside>
  );
}

function Ends(props: { picture: Picture; place: Place; source: string; destination: string }) {
  const { picture, place } = props;
  const { series } = picture;
  const source = useMemo(() => endOf(series, props.source, place.grouping), [series, props.source, place.grouping]);
  const destination = useMemo(
    () => endOf(series, props.destination, place.grouping),
    [series, props.destination, place.grouping],
  );
  if (!source || !destination) {
    return (
      <p className="canvas-note">
        {picture.empty
          ? 'Waiting for the first counts …'
          : 'This server knows no traffic between these two (any more).'}
      </p>
    );
  }
  return <Edge picture={picture} place={place} source={source} destination={destination} />;
}

interface EdgeProps {
  readonly picture: Picture;
  readonly place: Place;
  readonly source: End;
  readonly destination: End;
}

/** Series from one end to the other that pass the filter. */
function seriesBetween(series: Picture['series'], matches: Uint8Array, source: End, destination: End): Series[] {
  const between: Series[] = [];
  for (const one of series) {
    if (!one || matches[one.number] !== 1) continue;
    if (source.sets.has(one.source) && destination.sets.has(one.destination)) between.push(one);
  }
  return between;
}

function Edge({ picture, place, source, destination }: EdgeProps) {
  const { series, matches } = picture;
  const between = useMemo(
    () => seriesBetween(series, matches, source, destination),
    [series, matches, source, destination],
  );
  const mask = useMemo(() => {
    const marked = new Uint8Array(series.length);
    for (const one of between) marked[one.number] = 1;
    return marked;
  }, [series, between]);
  const judgements = judgementsOf(picture, between, place.measure);
  const seconds = rangeSeconds(picture);
  const rate = RATES[place.measure];
  const terms = useMemo(() => [...source.terms('from'), ...destination.terms('to')], [source, destination]);
  const seen = judgements.filter((judgement) => judgement.firstSeenMs > 0);
  return (
    <>
      <h2>
        {source.name} → {destination.name}
      </h2>
      <EdgeActions
        picture={picture}
        place={place}
        source={source}
        destination={destination}
        terms={terms}
        edge={{ source: source.key, destination: destination.key }}
      />
      {between.length === 0 ? (
        <p className="canvas-note">Nothing between the two passes the filter.</p>
      ) : (
        <>
          <Timeline points={picture.timelineOf(mask)} startMs={picture.rangeStartMs} endMs={picture.rangeEndMs} />
          {seen.length > 0 ? (
            <p className="canvas-note">
              First seen {timeText(Math.min(...seen.map((one) => one.firstSeenMs)))}, last{' '}
              {timeText(Math.max(...seen.map((one) => one.lastSeenMs)))}.
            </p>
          ) : null}
          <h3>Ports</h3>
          <PortTable ports={portsOf(judgements)} seconds={seconds} rate={rate} />
          <h3>Decisions</h3>
          <JudgementTable judgements={judgements} seconds={seconds} rate={rate} />
        </>
      )}
      <SampleFlows
        key={`${source.key} ${destination.key}`}
        terms={terms}
        range={place.range}
        dropsFirst={judgements.some((judgement) => judgement.verdict === 'dropped')}
      />
    </>
  );
}
