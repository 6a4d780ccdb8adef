// What has to be said of all numbers on the page: of which time, from which nodes, what is hidden, lost, old or left out.
import './status_strip.css';
import type { ReactNode } from 'react';
import { NodeState } from '../gen/relay/relay_pb';
import { links, pasts, statuses } from '../model/live_state';
import { useStore } from '../model/store';
import { usePicture } from '../model/use_picture';
import { usePlace } from '../place/use_place';
import { agoText, countText, durationText, exactText, rateText, timeText } from '../show/numbers';
import { useNow } from '../show/use_now';
import { live } from './app';

function Said({ kind, children, testId }: { kind: 'plain' | 'warn' | 'bad'; children: ReactNode; testId: string }) {
  return (
    <span className={`said said-${kind}`} data-testid={testId}>
      {children}
    </span>
  );
}

export function StatusStrip() {
  const picture = usePicture();
  const link = useStore(links);
  const status = useStore(statuses);
  const past = useStore(pasts);
  const [place, go] = usePlace();
  const now = useNow();
  const isPast = place.range.kind === 'absolute';
  const nodes = status?.nodes ?? [];
  const away = nodes.filter(
    ({ node }) => node?.state !== NodeState.NODE_CONNECTED && node?.state !== NodeState.NODE_GONE,
  );
  const coarsest = status?.resolutions.filter((one) => one.oldestMs > 0).map((one) => one.oldestMs) ?? [];
  const cut = status?.resolutions.some((one) => one.cut) ?? false;
  const knownSince = past.state === 'loaded' ? (past.extent?.knownSinceMs ?? 0) : 0;
  return (
    <div className="status-strip" role="status" aria-live="off" data-testid="status">
      {!picture.empty && (
        <Said kind="plain" testId="range">
          {timeText(picture.rangeStartMs)} – {timeText(picture.rangeEndMs)} (
          {durationText(picture.rangeEndMs - picture.rangeStartMs)})
        </Said>
      )}
      {status && (
        <Said kind="plain" testId="flows-rate">
          {rateText(status.flowsRate)} flows from {exactText(nodes.length - away.length)} of {exactText(nodes.length)}{' '}
          nodes
        </Said>
      )}
      {away.length > 0 && (
        <Said kind="bad" testId="nodes-away">
          Nothing comes from{' '}
          <button type="button" className="link-button" onClick={() => go({ view: 'nodes', sort: '' })}>
            {away.length <= 2 ? away.map(({ node }) => node?.node?.name).join(', ') : `${away.length} nodes`}
          </button>
        </Said>
      )}
      {link.state === 'stale' && (
        <Said kind="warn" testId="stale">
          Old: nothing has come for {durationText(now - link.sinceMs)}
        </Said>
      )}
      {link.state === 'reconnecting' && link.failure && (
        <Said kind="bad" testId="link-failure">
          {link.failure.text}. {link.failure.next}{' '}
          {link.failure.passing && (
            <button type="button" className="link-button" onClick={() => live.retryNow()}>
              Try now
            </button>
          )}
        </Said>
      )}
      {isPast && past.state === 'loading' && (
        <Said kind="plain" testId="past-loading">
          Asking for the past …
        </Said>
      )}
      {isPast && past.state === 'failed' && (
        <Said kind="bad" testId="past-failed">
          {past.failure.text}. {past.failure.next}
        </Said>
      )}
      {isPast && past.state === 'loaded' && past.extent && past.extent.resolutionMs > 1000 && (
        <Said kind="plain" testId="resolution">
          Held in windows of {durationText(past.extent.resolutionMs)}
        </Said>
      )}
      {isPast && past.state === 'loaded' && knownSince > past.fromMs + (past.extent?.resolutionMs ?? 0) && (
        <Said kind="warn" testId="known-since">
          This server knows nothing from before {timeText(knownSince)}
        </Said>
      )}
      {picture.hidden.connections > 0 && (
        <Said kind="warn" testId="hidden">
          {exactText(picture.hidden.connections)} connections hidden: {picture.hidden.by}{' '}
          <button type="button" className="link-button" onClick={() => go({ hide: [] })}>
            Show
          </button>
        </Said>
      )}
      {picture.countsFlowsOnly && (
        <Said kind="warn" testId="flows-only">
          Counted from single flows for this filter{isPast ? '' : ', since it was set'}: no packets, no bytes
        </Said>
      )}
      {picture.lost > 0 && (
        <Said kind="bad" testId="lost">
          {exactText(picture.lost)} flows lost in this time: connections may be too few
        </Said>
      )}
      {picture.late > 0 && (
        <Said kind="plain" testId="late">
          {exactText(picture.late)} flows came late
        </Said>
      )}
      {status && status.inOther > 0n && (
        <Said kind="warn" testId="in-other">
          {countText(Number(status.inOther))} flows are under “other”: {exactText(status.series)} of at most{' '}
          {exactText(status.mostSeries)} edges are held
        </Said>
      )}
      {cut && coarsest.length > 0 && (
        <Said kind="warn" testId="cut">
          Short of memory: counts reach back only{' '}
          {agoText(Math.min(...coarsest), status?.nowMs ?? 0).replace(' ago', '')}
        </Said>
      )}
    </div>
  );
}
