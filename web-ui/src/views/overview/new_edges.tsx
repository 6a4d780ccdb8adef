// Edges that were never seen before a chosen moment.
import { statuses } from '../../model/live_state';
import { useStore } from '../../model/store';
import { usePlace } from '../../place/use_place';
import { EdgeValue } from '../../show/end';
import { agoText, countText, exactText, timeText } from '../../show/numbers';
import { topOf } from '../../show/top';
import { useNow } from '../../show/use_now';
import { VerdictMark } from '../../show/verdict';
import type { EdgeRow } from './edges';

const TOP = 8;
const CHOICES = [
  ['now', 0],
  ['5 min ago', 300_000],
  ['1 h ago', 3_600_000],
  ['a day ago', 86_400_000],
] as const;
const USUAL_MS = 300_000;

export function NewEdges({ rows }: { rows: readonly EdgeRow[] }) {
  const [place, go] = usePlace();
  const now = useNow();
  const status = useStore(statuses);
  const since = place.newSinceMs ?? now - USUAL_MS;
  const fresh = rows.filter((row) => row.firstSeenMs >= since);
  const newest = topOf(fresh, TOP, (a, b) => b.firstSeenMs - a.firstSeenMs);
  const oldest = Math.min(...(status?.resolutions.map((one) => one.oldestMs).filter((ms) => ms > 0) ?? []));
  return (
    <section className="card" data-testid="new-edges" aria-label="New edges">
      <div className="card-head">
        <h2>New edges</h2>
        <select
          aria-label="New since"
          className="plain-button"
          value=""
          onChange={(event) => {
            const ago = Number(event.target.value);
            go({ newSinceMs: event.target.value === 'usual' ? undefined : Date.now() - ago }, { replace: true });
          }}
        >
          <option value="" disabled hidden>
            {place.newSinceMs === undefined ? 'since 5 min ago' : `since ${timeText(place.newSinceMs)}`}
          </option>
          {CHOICES.map(([name, ago]) => (
            <option key={name} value={ago}>
              since {name}
            </option>
          ))}
          <option value="usual">the last 5 min, running</option>
        </select>
      </div>
      {Number.isFinite(oldest) && oldest > since && (
        <p className="faint">Counts begin at {timeText(oldest)}: what was there before is new too.</p>
      )}
      {fresh.length === 0 ? (
        <p className="faint">None since {timeText(since)}.</p>
      ) : (
        <ul className="rows">
          {newest.map((row) => (
            <li key={row.edge.key}>
              <VerdictMark
                verdict={row.dropped > 0 ? 'dropped' : row.audited > 0 ? 'audited' : 'forwarded'}
                label={false}
              />
              <EdgeValue source={row.edge.source.members[0]!} destination={row.edge.destination.members[0]!} />
              <span className="faint rows-end">
                {countText(row.total)} · {agoText(row.firstSeenMs, now)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {fresh.length > TOP && (
        <p className="faint">
          Newest {TOP} of {exactText(fresh.length)}
        </p>
      )}
    </section>
  );
}
