// The one filter of all views: chips, the input that makes them, switches for drops and noise, and the time range.
import './filter_bar.css';
import { type RefObject } from 'react';
import { withoutTerm, withTerms } from '../filter/change';
import { parseFilter, printTerm, type Term } from '../filter/parse';
import type { Noise } from '../place/place';
import { usePlace } from '../place/use_place';
import { isDropsOnly, toggleDrops } from './drops_only';
import { FilterInput } from './filter_input';
import { RangeControl } from './range_control';

const NOISE: readonly (readonly [Noise, string, string])[] = [
  ['dns', 'DNS', 'Leaves out port 53, unless it was dropped'],
  ['host', 'Host', 'Leaves out the nodes themselves, unless it was dropped'],
];

function Chip({ term, filter }: { term: Term; filter: string }) {
  const [, go] = usePlace();
  const text = printTerm({ ...term, not: false }).replace(/^--/, '');
  return (
    <span className={term.not ? 'chip chip-not' : 'chip'} data-testid="chip">
      <button
        type="button"
        className="chip-text"
        title={term.not ? 'Excluded; click to include' : 'Included; click to exclude'}
        onClick={() => go({ filter: withTerms(filter, [{ ...term, not: !term.not }]) })}
      >
        {term.not ? 'not ' : ''}
        {text}
      </button>
      <button
        type="button"
        className="chip-gone"
        aria-label={`Remove ${printTerm(term)}`}
        onClick={() => go({ filter: withoutTerm(filter, term) })}
      >
        ×
      </button>
    </span>
  );
}

export function FilterBar({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const [place, go] = usePlace();
  const filter = parseFilter(place.filter);
  const drops = isDropsOnly(place.filter);
  return (
    <div className="filter-bar" role="search" aria-label="Filter and time">
      <div className="filter-box">
        {filter.terms.map((term) => (
          <Chip key={printTerm(term)} term={term} filter={place.filter} />
        ))}
        <FilterInput input={input} filter={place.filter} />
        {place.filter !== '' && (
          <button
            type="button"
            className="chip-gone filter-clear"
            aria-label="Remove the whole filter"
            title="Remove the whole filter"
            onClick={() => go({ filter: '' })}
          >
            ×
          </button>
        )}
      </div>
      <div className="filter-switches">
        <button
          type="button"
          className="plain-button"
          aria-pressed={drops}
          data-testid="drops-only"
          title="Only what was dropped (d)"
          onClick={toggleDrops}
        >
          Drops only
        </button>
        <span className="button-group" role="group" aria-label="Leave out noise">
          {NOISE.map(([noise, name, help]) => {
            const hidden = place.hide.includes(noise);
            return (
              <button
                key={noise}
                type="button"
                className="plain-button"
                aria-pressed={hidden}
                title={help}
                data-testid={`hide-${noise}`}
                onClick={() =>
                  go({ hide: hidden ? place.hide.filter((one) => one !== noise) : [...place.hide, noise].sort() })
                }
              >
                Hide {name}
              </button>
            );
          })}
        </span>
        <RangeControl />
      </div>
      {filter.problems.length > 0 && (
        <ul className="filter-problems" role="alert" data-testid="filter-problems">
          {filter.problems.map((problem) => (
            <li key={problem.at}>
              <code>{problem.at}</code>: {problem.reason}. It is left out.
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
