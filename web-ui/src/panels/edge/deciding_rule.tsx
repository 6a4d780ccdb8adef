// The rule that decided, and on demand the text of its policy.
import { create } from '@bufbuild/protobuf';
import { useCallback, useState } from 'react';
import { GetPolicyTextRequestSchema } from '../../gen/tycho/v1/dashboard_pb';
import type { PolicyRef, Rule } from '../../model/series';
import { useAnswer } from '../../show/answers';
import { pickRule } from '../../show/pick';
import { PolicyLink, PolicyLinks, policyKey } from '../../show/policy_link';
import { Value } from '../../show/value';
import { dashboard } from '../../wire/client';

/** A default deny is asked for by every policy that selects the end; more than these are for the view of policies. */
const MOST = 3;

function PolicyText({ policy }: { policy: PolicyRef }) {
  const { kind, namespace, name } = policy;
  const ask = useCallback(
    (signal: AbortSignal) =>
      dashboard().getPolicyText(create(GetPolicyTextRequestSchema, { name: { kind, namespace, name } }), { signal }),
    [kind, namespace, name],
  );
  const [{ value, failure }] = useAnswer(ask);
  return (
    <pre tabIndex={0} aria-label={`Text of ${kind} ${namespace}/${name}`}>
      {value?.yaml ?? (failure ? `${failure.text}. ${failure.next}` : 'Asking the nodes …')}
    </pre>
  );
}

export function DecidingRule({ rule }: { rule: Rule }) {
  const [isOpen, setOpen] = useState(false);
  const description = rule.description || `rule ${rule.number}`;
  return (
    <>
      <Value pick={pickRule(description)} className="rule-name" />{' '}
      {rule.policies.length > 0 ? (
        <button type="button" className="link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'hide its policy' : 'show its policy'}
        </button>
      ) : null}{' '}
      <PolicyLinks policies={rule.policies} one="in Policies ›" />
      {isOpen ? (
        <div>
          {rule.policies.slice(0, MOST).map((policy) => (
            <div key={policyKey(policy)}>
              {rule.policies.length > 1 ? <PolicyLink policy={policy}>{policyKey(policy)} ›</PolicyLink> : null}
              <PolicyText policy={policy} />
            </div>
          ))}
        </div>
      ) : null}
    </>
  );
}
