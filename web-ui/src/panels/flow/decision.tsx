// Why a flow got its verdict: the deciding rule, its policy's text, and the rules that almost decided otherwise.
import type { Decision, Explanation, NearMiss, RuleName } from '../../gen/tycho/v1/policies_pb';
import { policyText } from '../../flows/flow_text';
import { PolicyLink, PolicyLinks } from '../../show/policy_link';
import { pickRule } from '../../show/pick';
import { Value } from '../../show/value';

function ruleTitle({ policy, section, index }: RuleName): string {
  return `${policy ? `${policy.kind}/${policyText(policy)}` : 'rule'} ${section}[${index}]`;
}

function Rule({ rule }: { rule: RuleName }) {
  const title = ruleTitle(rule);
  return (
    <>
      <Value pick={pickRule(title)} className="mono" /> {rule.policy && <PolicyLink policy={rule.policy} />}
      <div className="faint">
        {rule.description} · {rule.source}
      </div>
    </>
  );
}

function Near({ near }: { near: readonly NearMiss[] }) {
  if (near.length === 0) return null;
  return (
    <section data-testid="near-misses">
      <h3>What came closest to deciding otherwise</h3>
      <ul className="near">
        {near.map((miss, place) => (
          <li key={place}>
            {miss.rule && <Rule rule={miss.rule} />}
            <ul>
              {miss.differences.map((difference) => (
                <li key={difference.what}>
                  {difference.what}: it wants <strong>{difference.wanted}</strong>, and there is{' '}
                  <strong>{difference.found}</strong>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Deciding({ decision }: { decision: Decision }) {
  return (
    <>
      <p data-testid="decision">{decision.sentence}</p>
      {decision.rule && <Rule rule={decision.rule} />}
      {!decision.rule && decision.defaultDeny.length > 0 && (
        <p className="faint">
          Default deny by {decision.defaultDeny.map((name) => `${name.kind}/${policyText(name)}`).join(', ')}{' '}
          <PolicyLinks policies={decision.defaultDeny} />
        </p>
      )}
    </>
  );
}

export function DecisionPart({ explanation }: { explanation: Explanation }) {
  const { decision, now, yaml, revision, comparedRevision } = explanation;
  return (
    <>
      <section>
        <h3>Why</h3>
        {decision ? <Deciding decision={decision} /> : <p className="faint">No policy decided about this packet.</p>}
      </section>
      {decision && <Near near={decision.near} />}
      {decision && decision.near.length > 0 && comparedRevision !== revision && (
        <p className="faint">
          Compared with revision {String(comparedRevision)}; revision {String(revision)} decided.
        </p>
      )}
      {now && (
        <section>
          <h3>With the policies in force now</h3>
          <Deciding decision={now} />
        </section>
      )}
      {yaml && (
        <details data-testid="policy-yaml" open>
          <summary>The policy</summary>
          <pre tabIndex={0}>{yaml}</pre>
        </details>
      )}
    </>
  );
}
