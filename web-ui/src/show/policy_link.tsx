// The policy of a rule, as a link to all that is known of it.
import './policy_link.css';
import type { ReactNode } from 'react';
import type { PolicyRef } from '../model/series';
import type { Place } from '../place/place';
import { hrefOf, usePlace } from '../place/use_place';

/** More policies of one default deny than these are for the view of policies. */
const MOST = 3;

/** As the view of policies, addresses and `tycho policy` name it. */
export function policyKey({ kind, namespace, name }: PolicyRef): string {
  return `${kind}/${namespace ? `${namespace}/` : ''}${name}`;
}

function PolicyAnchor({ policy, name, children }: { policy: string | undefined; name: string; children: ReactNode }) {
  const [, go] = usePlace();
  // Panels belong to what was looked at before; on a small screen they would lie over the policy.
  const change: Partial<Place> = { view: 'policies', policy, edge: undefined, flow: undefined, sort: '' };
  return (
    <a
      className="policy-link"
      href={hrefOf(change)}
      title={name}
      onClick={(event) => {
        event.stopPropagation();
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(change);
      }}
    >
      {children}
      <span className="for-readers"> {name}</span>
    </a>
  );
}

export function PolicyLink({ policy, children }: { policy: PolicyRef; children?: ReactNode }) {
  const key = policyKey(policy);
  return (
    <PolicyAnchor policy={key} name={`Open ${key} in Policies`}>
      {children ?? 'policy ›'}
    </PolicyAnchor>
  );
}

/** Of a rule it is one; of a default deny, all that ask for it. `one`: how a single one is called. */
export function PolicyLinks({ policies, one }: { policies: readonly PolicyRef[]; one?: string }) {
  if (policies.length <= 1) {
    return policies.map((policy) => (
      <PolicyLink key={policyKey(policy)} policy={policy}>
        {one}
      </PolicyLink>
    ));
  }
  return (
    <span className="policy-links">
      {policies.slice(0, MOST).map((policy) => (
        <PolicyLink key={policyKey(policy)} policy={policy}>
          {policy.name} ›
        </PolicyLink>
      ))}
      {policies.length > MOST && (
        <PolicyAnchor policy={undefined} name={`Open all ${policies.length} policies`}>
          all {policies.length} ›
        </PolicyAnchor>
      )}
    </span>
  );
}
