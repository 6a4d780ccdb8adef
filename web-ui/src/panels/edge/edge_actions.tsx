// What can be done with an edge: filter by it, turn it around, and give it to others.
import { useState } from 'react';
import { withTerms } from '../../filter/change';
import type { Term } from '../../filter/parse';
import type { Place } from '../../place/place';
import { hrefOf, usePlace } from '../../place/use_place';
import { observeCommand } from './observe_command';
import { onlyEdge } from './only_edge';

export interface EdgeActionsProps {
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

export function EdgeActions({ place, terms, edge }: EdgeActionsProps) {
  const [, change] = usePlace();
  const swap = { source: edge.destination, destination: edge.source };
  return (
    <div className="edge-actions">
      <button type="button" onClick={() => change({ filter: onlyEdge(place.filter, terms) })}>
        Only this edge
      </button>
      <button
        type="button"
        disabled={terms.length === 0}
        onClick={() =>
          change({
            filter: withTerms(
              place.filter,
              terms.map((term) => ({ ...term, not: true })),
            ),
            edge: undefined,
          })
        }
      >
        Leave it out
      </button>
      <button
        type="button"
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
    </div>
  );
}
