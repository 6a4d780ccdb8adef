// Ends, edges, ports and rules as values that can be clicked, the same in all tables.
import type { LabelSet, Rule } from '../model/series';
import { go } from '../place/use_place';
import { portText } from './numbers';
import { pickEnd, pickPort, pickRule } from './pick';
import { PolicyLinks } from './policy_link';
import { Value } from './value';

export function EndValue({ set, usual = 'either' }: { set: LabelSet; usual?: 'either' | 'source' | 'destination' }) {
  return (
    <span title={set.labels.join('\n')}>
      <Value pick={pickEnd(set, usual)} />
    </span>
  );
}

export function EdgeValue({ source, destination }: { source: LabelSet; destination: LabelSet }) {
  return (
    <span className="edge-value">
      <EndValue set={source} usual="source" />
      <button
        type="button"
        className="edge-arrow"
        aria-label={`Open the edge from ${source.name} to ${destination.name}`}
        title="Open this edge"
        onClick={() => go({ edge: { source: source.key, destination: destination.key }, flow: undefined })}
      >
        →
      </button>
      <EndValue set={destination} usual="destination" />
    </span>
  );
}

export function PortValue({ protocol, port }: { protocol: number; port: number }) {
  const text = portText(protocol, port);
  return <Value pick={protocol === 1 || protocol === 58 ? { text, choices: [] } : pickPort(port, text)} />;
}

export function RuleValue({ rule }: { rule: Rule | undefined }) {
  if (!rule) return <span className="faint">no rule</span>;
  return (
    <span className="rule-value">
      <Value pick={pickRule(rule.description || `rule ${rule.number}`)} className="wraps" />
      <PolicyLinks policies={rule.policies} />
    </span>
  );
}
