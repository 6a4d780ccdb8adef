// One row of the flow table: time, node, both ends, type, verdict, summary.
import { identityText } from '../../filter/identity';
import { LostEventSource } from '../../gen/flow/flow_pb';
import type { GetFlowsResponse } from '../../gen/tycho/v1/flows_pb';
import { endsOf, flowOf, typeText, verdictOf, verdictText, type FlowEnd } from '../../flows/flow_text';
import { timeOf } from '../../model/flow_tail';
import { exactText, preciseTimeText } from '../../show/numbers';
import { pickNode, pickPort, pickVerdict, type Pick } from '../../show/pick';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';

function pickFlowEnd(end: FlowEnd, side: 'source' | 'destination'): Pick {
  const prefix = side === 'source' ? 'from' : 'to';
  const identity = end.identity.replace(/^ID:/, '');
  const choices = [
    ...(end.pod ? [{ name: 'pod', flag: `${prefix}-pod`, value: end.pod }] : []),
    { name: 'identity', flag: `${prefix}-identity`, value: identity },
    ...(end.ip ? [{ name: 'address', flag: `${prefix}-ip`, value: end.ip }] : []),
  ];
  return { text: end.name, choices };
}

function End({ end, side }: { end: FlowEnd; side: 'source' | 'destination' }) {
  return (
    <span className="flow-end" role="cell">
      <Value pick={pickFlowEnd(end, side)} className="flow-end-name" />
      {end.port > 0 && (
        <>
          :
          <Value pick={pickPort(end.port, String(end.port))} />
        </>
      )}
      <span className="faint flow-identity"> {identityText(end.endpoint?.identity ?? 0)}</span>
    </span>
  );
}

function LostRow({ response }: { response: GetFlowsResponse }) {
  if (response.responseTypes.case !== 'lostEvents') return null;
  const { numEventsLost, source } = response.responseTypes.value;
  return (
    <span className="flow-lost" role="cell">
      {preciseTimeText(timeOf(response))} · {exactText(Number(numEventsLost))} flows of {response.nodeName} were lost
      here ({LostEventSource[source]})
    </span>
  );
}

export function FlowRow({ response, open }: { response: GetFlowsResponse; open: () => void }) {
  const flow = flowOf(response);
  if (!flow) return <LostRow response={response} />;
  const { source, destination } = endsOf(flow);
  const verdict = verdictOf(flow);
  const node = response.nodeName || flow.nodeName;
  return (
    <>
      <span className="mono flow-time" role="cell">
        <button
          type="button"
          className="flow-open"
          aria-label={`Details of the flow at ${preciseTimeText(timeOf(response))}`}
          onClick={open}
        >
          {preciseTimeText(timeOf(response))}
        </button>
      </span>
      <span className="flow-node faint" role="cell">
        <Value pick={pickNode(node, node.slice(node.indexOf('/') + 1))} />
      </span>
      <End end={source} side="source" />
      <span className="flow-arrow faint" aria-hidden="true">
        {flow.isReply === undefined ? '↔' : flow.isReply ? '⇠' : '→'}
      </span>
      <End end={destination} side="destination" />
      <span className="flow-type" role="cell">
        {typeText(flow)}
      </span>
      <span className="flow-verdict" role="cell">
        <Value pick={pickVerdict(verdict)}>
          <VerdictMark verdict={verdict} label={false} />{' '}
          <span className={`verdict-${verdict}`}>{verdictText(flow)}</span>
        </Value>
      </span>
      <span className="flow-summary faint" role="cell">
        {flow.Summary}
      </span>
    </>
  );
}
