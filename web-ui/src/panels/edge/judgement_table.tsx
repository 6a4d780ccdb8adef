// What each end decided, why, by which rule, and since when.
import { Fragment } from 'react';
import type { Rate } from '../../canvas/rate';
import { portText, timeText } from '../../show/numbers';
import { pickNode, pickPort, pickReason, pickVerdict } from '../../show/pick';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import { reasonText, type Judgement } from './judgements';
import { DecidingRule } from './deciding_rule';

/** More kinds of judgements than these are for the tables of drops and policies. */
const MOST = 40;

function Why({ judgement }: { judgement: Judgement }) {
  const { rule, dropReason, verdict } = judgement;
  return (
    <div>
      {dropReason && verdict !== 'forwarded' ? (
        <>
          <Value pick={pickReason(dropReason)} />:{' '}
        </>
      ) : null}
      {rule ? <DecidingRule rule={rule} /> : reasonText({ ...judgement, dropReason: '' })}
    </div>
  );
}

function Seen({ judgement }: { judgement: Judgement }) {
  const { firstSeenMs, lastSeenMs, nodes, counts } = judgement;
  return (
    <div className="canvas-note">
      first seen {timeText(firstSeenMs)}, last {timeText(lastSeenMs)}
      {nodes.map((node, at) => (
        <Fragment key={node}>
          {at === 0 ? ', on ' : ', '}
          <Value pick={pickNode(node)} />
        </Fragment>
      ))}
      {counts ? '' : '; counted at the other end'}
    </div>
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
              <Value pick={pickVerdict(judgement.verdict)}>
                <VerdictMark verdict={judgement.verdict} />
              </Value>{' '}
              <Value pick={pickPort(judgement.port, portText(judgement.protocol, judgement.port))} />{' '}
              <strong>{rate(judgement.amount / seconds)}</strong>{' '}
              {judgement.direction === 'egress' ? 'at the source (egress)' : 'at the destination (ingress)'}
            </div>
            <Why judgement={judgement} />
            <Seen judgement={judgement} />
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
