// Why there is nothing counted to show: not yet, or not of that time.
import { links, pasts } from '../model/live_state';
import { useStore } from '../model/store';
import { usePlace } from '../place/use_place';
import { EmptyState } from './notice';

export function NoCounts() {
  const link = useStore(links);
  const past = useStore(pasts);
  const [place, go] = usePlace();
  if (place.range.kind === 'absolute') {
    if (past.state === 'loading') return <EmptyState title="Asking for that time …" />;
    return (
      <EmptyState
        title={
          past.state === 'failed' ? 'That time could not be asked for' : 'This server counted nothing in that time'
        }
      >
        Choose a later time, or look at{' '}
        <button type="button" className="link-button" onClick={() => go({ range: { kind: 'live' } })}>
          the last minute
        </button>
        .
      </EmptyState>
    );
  }
  return link.state === 'live' || link.state === 'connecting' ? (
    <EmptyState title="Waiting for the first second of counts …">They come within two seconds.</EmptyState>
  ) : (
    <EmptyState title="Nothing is known yet">The line above says how the connection to the server stands.</EmptyState>
  );
}
