// A rule in words, leading to its policy.
import type { Rule } from '../../model/series';
import { usePlace } from '../../place/use_place';
import { withTerms } from '../../filter/change';

export function RuleLink({ rule }: { rule: Rule }) {
  const [place, change] = usePlace();
  const term = { flag: 'rule', value: rule.description, not: false };
  return (
    <button
      type="button"
      className="link"
      title="Show this rule among the policies"
      onClick={() => change({ view: 'policies', filter: withTerms(place.filter, [term]), edge: undefined })}
    >
      {rule.description || `rule ${rule.number}`}
    </button>
  );
}
