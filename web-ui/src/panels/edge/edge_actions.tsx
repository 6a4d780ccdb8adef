// What can be done with an edge: filter by it, turn it around, and give it to others.
import { useMemo, useState } from 'react';
import type { Term } from '../../filter/parse';
import type { Place } from '../../place/place';
import { hrefOf, usePlace } from '../../place/use_place';
import type { Picture } from '../../model/picture';
import type { End } from './ends';
import { effectOf, isExact, leaveOutInstead, leaveOutToo } from './leave_out';
import { observeCommand } from './observe_command';
import { onlyEdge } from './only_edge';

export interface EdgeActionsProps {
  readonly picture: Picture;
  readonly source: End;
  readonly destination: End;
  readonly place: Place;
  /** Flags that select the edge. */
  readonly terms: readonly Term[];
  readonly edge: NonNullable<Place['edge']>;
}

function CopyButton({ text, children }: { text: () => string; children: string }) {
  const [state, setState] = useState('');
  const copy = () => {
    // Pages that are served without TLS have no clipboard; then the text is shown to be copied by hand.
    const done = navigator.clipboard?.writeText(text());
    if (!done) {
      window.prompt('Copy this:', text());
      return;
    }
    done.then(
      () => {
        setState(' ✓');
        setTimeout(() => setState(''), 1500);
      },
      () => window.prompt('Copy this:', text()),
    );
  };
  return (
    <button type="button" onClick={copy}>
      {children}
      <span aria-live="polite">{state}</span>
    </button>
  );
}

const MOST_NAMES = 3;

function listText(names: readonly string[]): string {
  const left = names.length - MOST_NAMES;
  return left > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${left} more` : names.join(', ');
}

/** Said where it is not this edge alone that would be left out. */
function Beside({ picture, place, terms, source, destination }: EdgeActionsProps) {
  const { filter } = place;
  const effect = useMemo(
    () => effectOf(picture, filter, terms, source, destination),
    [picture, filter, terms, source, destination],
  );
  return (
    <p className="canvas-note" data-testid="leave-out-note">
      All --not flags are one exclusion.{' '}
      {effect === undefined && 'With those that are there, other edges may go too, or come back.'}
      {effect && effect.gone.length > 0 && `Left out with this edge too: ${listText(effect.gone)}. `}
      {effect && effect.back.length > 0 && `Shown again then: ${listText(effect.back)}.`}
      {effect && effect.gone.length + effect.back.length === 0 && 'No other edge with traffic in this time is touched.'}
    </p>
  );
}

export function EdgeActions(props: EdgeActionsProps) {
  const { place, terms, edge, source, destination } = props;
  // What has no flag for one end would be all that the other end talks to.
  const sayable = source.terms('from').length > 0 && destination.terms('to').length > 0;
  const exact = isExact(place.filter, terms);
  const [, change] = usePlace();
  const swap = { source: edge.destination, destination: edge.source };
  return (
    <div className="edge-actions">
      <button type="button" disabled={!sayable} onClick={() => change({ filter: onlyEdge(place.filter, terms) })}>
        Only this edge
      </button>
      <button
        type="button"
        disabled={!sayable}
        onClick={() => change({ filter: leaveOutToo(place.filter, terms), edge: undefined })}
      >
        Leave it out{exact ? '' : ' too'}
      </button>
      {exact ? null : (
        <button
          type="button"
          disabled={!sayable}
          onClick={() => change({ filter: leaveOutInstead(place.filter, terms), edge: undefined })}
        >
          Leave only this out
        </button>
      )}
      <button
        type="button"
        disabled={!sayable}
        onClick={() => change({ view: 'flows', filter: onlyEdge(place.filter, terms), edge: undefined })}
      >
        All its flows
      </button>
      <button type="button" onClick={() => change({ edge: swap }, { replace: true })}>
        ⇄ Other direction
      </button>
      <button type="button" onClick={() => change({ view: 'focus', focus: edge.destination, edge: undefined })}>
        Focus on the destination
      </button>
      <CopyButton text={() => hrefOf({})}>Copy link</CopyButton>
      <CopyButton text={() => observeCommand(terms, place.range)}>Copy as tycho observe</CopyButton>
      {exact || !sayable ? null : <Beside {...props} />}
    </div>
  );
}
