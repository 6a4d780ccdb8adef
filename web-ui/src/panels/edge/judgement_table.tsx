// What each end decided, why, by which rule, and since when.
import { VerdictMark } from '../../canvas/legend';
import type { Rate } from '../../canvas/rate';
import type { Rule } from '../../model/series';
import { portText, reasonText, type Judgement } from './judgements';
import { RuleLink } from './rule_link';

/** More kinds of judgements than these are for the tables of drops and policies. */
const MOST = 40;

const clock = (ms: number) => (ms > 0 ? new Date(ms).toLocaleString() : 'not known');

function Reason({ judgement }: { judgement: Judgement }) {
  const rule: Rule | undefined = judgement.rule;
  if (!rule) return <>{reasonText(judgement)}</>;
  return (
    <>
      {judgement.dropReason && judgement.verdict !== 'forwarded' ? `${judgement.dropReason}: ` : ''}
      <RuleLink rule={rule} />
    </>
  );
}

export interface JudgementTableProps {
  readonly judgements: readonly Judgement[];
  readonly seconds: number;
  readonly rate: Rate;
}

export function JudgementTable({ judgements, seconds, rate }: JudgementTableProps) {
  return (
    <>
      <ul className="judgements">
        {judgements.slice(0, MOST).map((judgement) => (
          <li key={judgement.key}>
            <div>
              <VerdictMark verdict={judgement.verdict} /> {portText(judgement.protocol, judgement.port)}{' '}
              <strong>{rate(judgement.amount / seconds)}</strong>{' '}
              {judgement.direction === 'egress' ? 'at the source (egress)' : 'at the destination (ingress)'}
            </div>
            <div>
              <Reason judgement={judgement} />
            </div>
            <div className="canvas-note">
              first seen {clock(judgement.firstSeenMs)}, last {clock(judgement.lastSeenMs)}
              {judgement.nodes.length > 0 ? `, on ${judgement.nodes.join(', ')}` : ''}
              {judgement.counts ? '' : '; counted at the other end'}
            </div>
          </li>
        ))}
      </ul>
      {judgements.length > MOST ? (
        <p className="canvas-note">
          Top {MOST} of {judgements.length}.
        </p>
      ) : null}
    </>
  );
}
