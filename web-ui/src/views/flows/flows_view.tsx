// Single flows, live and back to the oldest that nodes hold.
import './flows.css';
import { useRef, useState } from 'react';
import { commandOfFilter } from '../../flows/connection_flags';
import { pauses } from '../../model/pause';
import { useStore } from '../../model/store';
import { usePlace } from '../../place/use_place';
import { EmptyState, FailureNotice } from '../../show/notice';
import { exactText } from '../../show/numbers';
import { FlowTable } from './flow_table';
import { useFlows } from './use_flows';

export function FlowsView() {
  const [place, go] = usePlace();
  const { shown, older, more, hold, isHeld, waiting, skipped, matched } = useFlows(place);
  const pause = useStore(pauses);
  const scroller = useRef<HTMLDivElement>(null);
  const [copied, setCopied] = useState(false);
  const isPast = place.range.kind === 'absolute';

  const copy = () => {
    const command = commandOfFilter(place.filter, isPast ? '' : '--follow');
    void navigator.clipboard?.writeText(command).then(() => setCopied(true));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="flows">
      <div className="flows-bar">
        <span data-testid="flows-count">
          {exactText(shown.rows.length)} flows{older.state === 'end' ? '' : ' so far'}
          {skipped > 0 && (
            <span className="flows-skipped" data-testid="skipped">
              {' '}
              · of {exactText(matched)} that came since, {exactText(skipped)} were too many to show
            </span>
          )}
          {shown.hidden > 0 && <span className="flows-skipped"> · {exactText(shown.hidden)} flows hidden</span>}
          {older.missing.length > 0 && (
            <span className="flows-skipped"> · nothing from {older.missing.join(', ')}</span>
          )}
        </span>
        {!isPast && (
          <span className="faint" data-testid="flows-state">
            {pause.paused
              ? `Paused: ${exactText(pause.flows)} new flows`
              : isHeld
                ? 'Held while you look'
                : 'Live, newest first'}
          </span>
        )}
        {isHeld && !pause.paused && (
          <button
            type="button"
            className="plain-button"
            data-testid="flows-new"
            onClick={() => {
              scroller.current?.scrollTo({ top: 0 });
              if (place.flow) go({ flow: undefined });
              else hold(false);
            }}
          >
            ↑ {exactText(waiting)} new
          </button>
        )}
        <button type="button" className="plain-button flows-copy" title="The same flows in a terminal" onClick={copy}>
          {copied ? 'Copied' : 'Copy as command'}
        </button>
      </div>
      {older.failure && (
        <FailureNotice
          what={shown.rows.length === 0 ? 'No flows could be asked for' : 'Older flows could not be asked for'}
          failure={older.failure}
          retry={more}
        />
      )}
      {shown.rows.length === 0 ? (
        older.state === 'loading' ? (
          <EmptyState title="Asking the nodes for flows …" />
        ) : (
          !older.failure && (
            <EmptyState title="No flow matches">
              {place.filter === '' ? (
                'Open a connection between two endpoints, and it shows up here.'
              ) : (
                <>
                  It waits for flows that match.{' '}
                  <button type="button" className="link-button" onClick={() => go({ filter: '' })}>
                    Remove the filter
                  </button>{' '}
                  to see all flows.
                </>
              )}
            </EmptyState>
          )
        )
      ) : (
        <FlowTable rows={shown.rows} hold={hold} reachedEnd={more} scroller={scroller} />
      )}
      <p className="faint flows-end" role="status">
        {older.state === 'loading' && shown.rows.length > 0 && 'Asking for older flows …'}
        {older.state === 'end' &&
          shown.rows.length > 0 &&
          'The last row is the oldest flow that the nodes hold of this.'}
      </p>
    </div>
  );
}
