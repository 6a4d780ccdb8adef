// All of one flow: both ends with their labels as of the flow, the verdict and why, what came back.
import './flow_panel.css';
import { useState, type ReactNode } from 'react';
import { commandOfConnection, commandOfFlow } from '../../flows/connection_flags';
import { endsOf, flowOf, typeText, verdictOf, verdictText, type FlowEnd } from '../../flows/flow_text';
import type { GetFlowsResponse } from '../../gen/tycho/v1/flows_pb';
import { referenceOf, timeOf } from '../../model/flow_tail';
import { go, usePlace } from '../../place/use_place';
import { FailureNotice } from '../../show/notice';
import { bytesText, exactText, preciseTimeText } from '../../show/numbers';
import { pickLabel, pickNode, pickReason } from '../../show/pick';
import { Value } from '../../show/value';
import { VerdictMark } from '../../show/verdict';
import { DropReason, TrafficDirection } from '../../gen/flow/flow_pb';
import { DecisionPart } from './decision';
import { knownFlow, useExplanation, useReverse } from './use_flow';

function End({ end, side }: { end: FlowEnd; side: 'source' | 'destination' }) {
  return (
    <section className="flow-panel-end" data-testid={`flow-${side}`}>
      <h3>{side === 'source' ? 'From' : 'To'}</h3>
      <div className="flow-panel-name">
        {end.name}
        {end.port > 0 && `:${end.port}`}
      </div>
      <div className="faint">
        {end.ip} · {end.identity}
        {(end.endpoint?.workloads.length ?? 0) > 0 &&
          ` · ${end.endpoint!.workloads.map(({ kind, name }) => `${kind}/${name}`).join(', ')}`}
      </div>
      <ul className="labels" aria-label="Labels as of the flow">
        {end.endpoint?.labels.map((label) => (
          <li key={label}>
            <Value pick={pickLabel(label.replace(/=$/, ''), side)} className="mono" />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Copy({ name, text }: { name: string; text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      className="plain-button"
      title={text}
      onClick={() => {
        void navigator.clipboard?.writeText(text).then(() => setCopied(true));
        setTimeout(() => setCopied(false), 1500);
      }}
    >
      {copied ? 'Copied' : name}
    </button>
  );
}

function Back({ response }: { response: GetFlowsResponse }) {
  const reverse = useReverse(response);
  const flows = reverse?.page?.flows ?? [];
  return (
    <section data-testid="reverse">
      <h3>The other direction</h3>
      {!reverse && <p className="faint">Asking …</p>}
      {reverse?.failure && <p className="faint">{reverse.failure.text}</p>}
      {reverse?.page && flows.length === 0 && <p className="faint">Nothing came back within a minute.</p>}
      <ul className="plain-list">
        {flows.slice(0, 5).map((one) => {
          const flow = flowOf(one);
          return (
            flow && (
              <li key={referenceOf(one)}>
                <VerdictMark verdict={verdictOf(flow)} label={false} />{' '}
                <button
                  type="button"
                  className="link-button"
                  onClick={() => go({ flow: { uuid: flow.uuid, node: one.nodeName } })}
                >
                  {preciseTimeText(timeOf(one))}
                </button>{' '}
                {typeText(flow)} {verdictText(flow)} <span className="faint">{flow.Summary}</span>
              </li>
            )
          );
        })}
      </ul>
      {reverse?.page && flows.length > 5 && (
        <p className="faint">
          Newest 5 of {reverse.page.next ? 'more than ' : ''}
          {flows.length}
        </p>
      )}
    </section>
  );
}

function Body({ response, children }: { response: GetFlowsResponse; children: ReactNode }) {
  const flow = flowOf(response)!;
  const { source, destination } = endsOf(flow);
  const details = response.tycho;
  const node = response.nodeName || flow.nodeName;
  return (
    <>
      <p className="flow-panel-verdict" data-testid="flow-verdict">
        <VerdictMark verdict={verdictOf(flow)} label={false} />{' '}
        <strong className={`verdict-${verdictOf(flow)}`}>{verdictText(flow)}</strong> {typeText(flow)}
        {flow.dropReasonDesc !== DropReason.DROP_REASON_UNKNOWN && (
          <>
            {' · '}
            <Value pick={pickReason(DropReason[flow.dropReasonDesc]!)} />
          </>
        )}
      </p>
      <p className="faint">
        {preciseTimeText(timeOf(response))} on <Value pick={pickNode(node)} />
        {flow.trafficDirection !== TrafficDirection.TRAFFIC_DIRECTION_UNKNOWN &&
          `, ${TrafficDirection[flow.trafficDirection]!.toLowerCase()}`}
        {flow.Summary && ` · ${flow.Summary}`}
        {details &&
          details.packets > 0n &&
          ` · ${exactText(Number(details.packets))} ${details.packets === 1n ? 'packet' : 'packets'}, ${bytesText(Number(details.bytes))}`}
        {details?.midstream && ' · the connection was open before it was first seen'}
        {details?.rejudged && ' · decided again after a policy change'}
      </p>
      <div className="flow-panel-buttons">
        <Copy name="Copy as command" text={commandOfConnection(flow)} />
        <Copy name="Copy this flow’s command" text={commandOfFlow(flow)} />
      </div>
      <div className="flow-panel-ends">
        <End end={source} side="source" />
        <End end={destination} side="destination" />
      </div>
      {children}
      <Back response={response} />
    </>
  );
}

function Panel({ uuid, node }: { uuid: string; node: string }) {
  const told = useExplanation(uuid, node);
  const [known] = useState(() => knownFlow(uuid));
  const response = told?.explanation?.flow ?? known;
  return (
    <aside className="side-panel" aria-label="Flow" data-testid="flow-panel">
      <div className="side-panel-head">
        <h2>Flow</h2>
        <button type="button" className="plain-button" title="Close (Esc)" onClick={() => go({ flow: undefined })}>
          Close
        </button>
      </div>
      {!response && !told && <p className="faint">Asking {node} …</p>}
      {told?.failure && <FailureNotice what={`${node} could not say more`} failure={told.failure} />}
      {response && flowOf(response) && (
        <Body response={response}>
          {told?.explanation && <DecisionPart explanation={told.explanation} />}
          {!told && <p className="faint">Asking {node} why …</p>}
        </Body>
      )}
    </aside>
  );
}

export function FlowPanel() {
  const [{ flow }] = usePlace();
  return flow ? <Panel key={flow.uuid} uuid={flow.uuid} node={flow.node} /> : null;
}
