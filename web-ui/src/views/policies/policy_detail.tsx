// The rules of one policy with their hits, and its text.
import { create } from '@bufbuild/protobuf';
import { useCallback } from 'react';
import { GetPolicyTextRequestSchema } from '../../gen/tycho/v1/dashboard_pb';
import { useAnswer } from '../../show/answers';
import { agoText, exactText } from '../../show/numbers';
import { pickRule } from '../../show/pick';
import { useNow } from '../../show/use_now';
import { Value } from '../../show/value';
import { dashboard } from '../../wire/client';
import type { PolicyRow } from './policy_rows';

export function PolicyDetail({ row, bytes }: { row: PolicyRow; bytes: (count: number) => string }) {
  const { kind, namespace, name } = row;
  const now = useNow();
  const ask = useCallback(
    (signal: AbortSignal) =>
      dashboard().getPolicyText(create(GetPolicyTextRequestSchema, { name: { kind, namespace, name } }), { signal }),
    [kind, namespace, name],
  );
  const [text] = useAnswer(ask);
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
                {rule.packets === 0 ? (
                  <span className="said said-warn">decided nothing</span>
                ) : (
                  `${exactText(rule.packets)} packets, ${bytes(rule.bytes)}, last ${agoText(rule.lastHitMs, now)}`
                )}
              </div>
            </li>
          ))}
          {row.rules.length === 0 && <li className="faint">It has no rules: it allows nothing.</li>}
        </ul>
      </div>
      <pre tabIndex={0}>{text.value?.yaml ?? text.failure?.text ?? 'Asking …'}</pre>
    </div>
  );
}
