// The rules of one policy with their hits, and its text.
import { create } from '@bufbuild/protobuf';
import { useCallback } from 'react';
import { GetPolicyTextRequestSchema } from '../../gen/tycho/v1/dashboard_pb';
import { useAnswer } from '../../show/answers';
import { agoText, bytesText, exactText } from '../../show/numbers';
import { pickRule } from '../../show/pick';
import { useNow } from '../../show/use_now';
import { Value } from '../../show/value';
import { dashboard } from '../../wire/client';
import { VERDICTS } from '../../model/series';
import { VerdictMark } from '../../show/verdict';
import type { PolicyRow } from './policy_rows';
import { DEFAULT_DENY, NOTHING, type ByVerdict } from './verdicts_by_policy';

/** Connections of the chosen time and filter. */
function InThisTime({ decided }: { decided: ByVerdict }) {
  const some = VERDICTS.filter((verdict) => decided[verdict] > 0);
  return (
    <span data-testid="rule-decided">
      {some.length === 0 && 'no connection in this time'}
      {some.map((verdict, at) => (
        <span key={verdict}>
          {at > 0 && ', '}
          {exactText(decided[verdict])} <VerdictMark verdict={verdict} />
        </span>
      ))}
    </span>
  );
}

interface Props {
  readonly row: PolicyRow;
  readonly decided: ReadonlyMap<string, ByVerdict>;
}

export function PolicyDetail({ row, decided }: Props) {
  const { kind, namespace, name } = row;
  const now = useNow();
  const ask = useCallback(
    (signal: AbortSignal) =>
      dashboard().getPolicyText(create(GetPolicyTextRequestSchema, { name: { kind, namespace, name } }), { signal }),
    [kind, namespace, name],
  );
  const [text] = useAnswer(ask);
  const of = (key: string) => decided.get(`${row.key} ${key}`) ?? NOTHING;
  return (
    <div className="side-by-side">
      <div>
        <p className="faint">
          {row.source} · on {row.nodes.join(', ')}
        </p>
        <ul className="rule-list">
          {row.rules.map((rule) => (
            <li key={rule.key} data-testid="policy-rule">
              <Value pick={pickRule(`${row.key} ${rule.key}`)} className="mono">
                {rule.key}
              </Value>{' '}
              {rule.description}
              <div className="faint">
                <InThisTime decided={of(rule.key)} />
                {' · '}
                {rule.packets === 0 ? (
                  <span className="said said-warn">never used</span>
                ) : (
                  `${exactText(rule.packets)} packets, ${bytesText(rule.bytes)}, last ${agoText(rule.lastHitMs, now)}`
                )}
              </div>
            </li>
          ))}
          {row.defaultDeny && (
            <li data-testid="policy-rule">
              <span className="mono">{DEFAULT_DENY}</span> {row.defaultDeny}: what no rule allows
              <div className="faint">
                <InThisTime decided={of(DEFAULT_DENY)} />
              </div>
            </li>
          )}
          {row.rules.length === 0 && <li className="faint">It has no rules: it allows nothing.</li>}
        </ul>
      </div>
      <pre tabIndex={0}>{text.value?.yaml ?? text.failure?.text ?? 'Asking …'}</pre>
    </div>
  );
}
