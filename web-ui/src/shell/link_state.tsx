// Whether the page is live; the words for it, and a button where one helps.
import { useStore } from '../model/store';
import { links } from '../model/live_state';
import { pauses } from '../model/pause';
import { usePlace } from '../place/use_place';
import { exactText } from '../show/numbers';
import { togglePause } from './app';

const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Stale',
  reconnecting: 'Reconnecting',
  closed: 'Resting',
} as const;

export function LinkState() {
  const link = useStore(links);
  const pause = useStore(pauses);
  const [place] = usePlace();
  const isPast = place.range.kind === 'absolute';
  const came = place.view === 'flows' ? `${exactText(pause.flows)} new flows` : `${exactText(pause.windows)} s behind`;
  return (
    <>
      <span
        className={`link-state link-${link.state}`}
        role="status"
        data-testid="link-state"
        data-state={link.state}
        title={link.failure?.text ?? 'The stream from the server'}
      >
        <span className="link-dot" aria-hidden="true" />
        <span className="link-words">{WORDS[link.state]}</span>
      </span>
      {!isPast && (
        <button
          type="button"
          className="plain-button"
          aria-pressed={pause.paused}
          data-testid="pause"
          title={pause.paused ? 'Go on (p)' : 'Stop what is shown as it is (p)'}
          onClick={togglePause}
        >
          {pause.paused ? (
            `▶ ${came}`
          ) : (
            <>
              ❚❚<span className="link-words"> Pause</span>
            </>
          )}
        </button>
      )}
    </>
  );
}
