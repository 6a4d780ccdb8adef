// Why a canvas view is empty, and what can be done.
import type { Picture } from '../model/picture';
import { usePlace } from '../place/use_place';

export function NoEdges({ picture }: { picture: Picture }) {
  const [place, change] = usePlace();
  if (picture.empty) {
    return <div className="canvas-empty">Waiting for the first counts …</div>;
  }
  const narrowed = place.filter !== '' || place.hide.length > 0;
  return (
    <div className="canvas-empty">
      <div>
        <p>{narrowed ? 'No edge matches the filter.' : 'Nothing was seen in this range.'}</p>
        {narrowed ? (
          <p className="canvas-note">
            <button type="button" onClick={() => change({ filter: '', hide: [] })}>
              Remove the filter
            </button>
          </p>
        ) : (
          <p className="canvas-note">
            Choose a longer range, or make traffic: edges appear with their first connection. <code>tycho status</code>{' '}
            says whether the nodes are observed.
          </p>
        )}
      </div>
    </div>
  );
}
