// The one time range of all views: running, or from one moment to another.
import { useState, type FormEvent } from 'react';
import type { TimeRange } from '../place/place';
import { pictureNow } from '../model/use_picture';
import { usePlace } from '../place/use_place';
import { durationText, timeText } from '../show/numbers';

const RUNNING: readonly (readonly [string, TimeRange])[] = [
  ['Live', { kind: 'live' }],
  ['5 min', { kind: 'last', seconds: 300 }],
  ['1 h', { kind: 'last', seconds: 3600 }],
];

/** As an input of local time wants it, with seconds. */
function inputText(ms: number): string {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

const lastMinutes = () => Date.now() - 300_000;

export function RangeControl() {
  const [place, go] = usePlace();
  const [open, setOpen] = useState(false);
  const { range } = place;
  const same = (other: TimeRange) => JSON.stringify(range) === JSON.stringify(other);
  return (
    <span className="range-control">
      <span className="button-group" role="group" aria-label="Time range">
        {RUNNING.map(([name, running]) => (
          <button
            key={name}
            type="button"
            className="plain-button"
            aria-pressed={same(running)}
            data-testid={`range-${name.toLowerCase().replaceAll(' ', '')}`}
            title={running.kind === 'live' ? 'The last minute, running' : `The last ${name}, running`}
            onClick={() => {
              setOpen(false);
              go({ range: running });
            }}
          >
            {name}
          </button>
        ))}
        <button
          type="button"
          className="plain-button"
          aria-pressed={range.kind === 'absolute' || !RUNNING.some(([, running]) => same(running))}
          aria-expanded={open}
          data-testid="range-absolute"
          onClick={() => setOpen(!open)}
        >
          {range.kind === 'absolute'
            ? `${timeText(range.fromMs)} – ${timeText(range.toMs)}`
            : range.kind === 'last' && !RUNNING.some(([, running]) => same(running))
              ? `Last ${durationText(range.seconds * 1000)}`
              : 'From … to …'}
        </button>
      </span>
      {open && <RangePanel range={range} close={() => setOpen(false)} />}
    </span>
  );
}

function RangePanel({ range, close }: { range: TimeRange; close: () => void }) {
  const [, go] = usePlace();
  const { rangeStartMs, rangeEndMs } = pictureNow();
  const [from, setFrom] = useState(() =>
    inputText(range.kind === 'absolute' ? range.fromMs : rangeStartMs || lastMinutes()),
  );
  const [to, setTo] = useState(() => inputText(range.kind === 'absolute' ? range.toMs : rangeEndMs || Date.now()));
  const [fromMs, toMs] = [new Date(from).getTime(), new Date(to).getTime()];
  const problem = !(fromMs < toMs) ? 'The beginning must be before the end.' : '';
  const show = (event: FormEvent) => {
    event.preventDefault();
    if (problem) return;
    go({ range: { kind: 'absolute', fromMs, toMs } });
    close();
  };
  return (
    <form className="range-panel" onSubmit={show} onKeyDown={(event) => event.key === 'Escape' && close()}>
      <label>
        From
        <input
          type="datetime-local"
          step="1"
          value={from}
          autoFocus
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label>
        To
        <input type="datetime-local" step="1" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      {problem && <div role="alert">{problem}</div>}
      <button type="submit" className="plain-button" disabled={problem !== ''}>
        Show
      </button>
      <button
        type="button"
        className="link-button"
        onClick={() => {
          go({ range: { kind: 'absolute', fromMs: rangeStartMs, toMs: rangeEndMs } });
          close();
        }}
      >
        Keep what is shown now
      </button>
    </form>
  );
}
