// A caller or callee: how much, on which ports, with which verdict, and the rules that said so.
import type { Mark } from '../../canvas/marks';
import type { Rate } from '../../canvas/rate';
import type { LabelSet } from '../../model/series';
import { reasonText, type Judgement } from '../../panels/edge/judgements';
import { portText } from '../../show/numbers';
import { PolicyLinks } from '../../show/policy_link';
import { VerdictMark } from '../../show/verdict';
import type { Peer } from './peers';

const MOST_LINES = 4;

/** The worst of what happens to it; idle if nothing did in the range. */
export function stateOf({ forwarded, audited, dropped }: Omit<Peer, 'set' | 'judgements'>): Mark | 'idle' {
  if (dropped > 0) return 'dropped';
  if (audited > 0) return 'audited';
  return forwarded > 0 ? 'forwarded' : 'idle';
}

function Line({ judgement, seconds, rate }: { judgement: Judgement; seconds: number; rate: Rate }) {
  return (
    <li>
      <VerdictMark verdict={judgement.verdict} label={judgement.verdict !== 'forwarded'} />{' '}
      {portText(judgement.protocol, judgement.port)} {judgement.counts ? rate(judgement.amount / seconds) : ''}
      <span className="rule">
        {judgement.direction}: {reasonText(judgement)} <PolicyLinks policies={judgement.rule?.policies ?? []} />
      </span>
    </li>
  );
}

export interface PeerCardProps {
  readonly peer: Peer;
  readonly seconds: number;
  readonly rate: Rate;
  readonly openEdge: () => void;
  readonly focus: (set: LabelSet) => void;
}

export function PeerCard({ peer, seconds, rate, openEdge, focus }: PeerCardProps) {
  const { set, forwarded, audited, dropped, judgements } = peer;
  const total = forwarded + audited + dropped;
  return (
    <li className={`peer-card state-${stateOf(peer)}`}>
      <div className="head">
        <button type="button" className="name" onClick={() => focus(set)} title="Focus on it">
          {set.name}
        </button>
        <button type="button" className="plain" onClick={openEdge} title="All about this edge">
          {rate(total / seconds)} ›<span className="said-only"> edge with {set.name}</span>
        </button>
      </div>
      <ul>
        {judgements.slice(0, MOST_LINES).map((judgement) => (
          <Line key={judgement.key} judgement={judgement} seconds={seconds} rate={rate} />
        ))}
      </ul>
      {judgements.length > MOST_LINES ? (
        <button type="button" className="plain" onClick={openEdge}>
          and {judgements.length - MOST_LINES} more
        </button>
      ) : null}
    </li>
  );
}
