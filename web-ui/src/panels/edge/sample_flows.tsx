// The newest single flows of an edge that nodes still hold.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { useEffect, useState } from 'react';
import type { Term } from '../../filter/parse';
import { messageOf, selectionOf } from '../../filter/selection';
import { Verdict, type Flow } from '../../gen/flow/flow_pb';
import { GetFlowPageRequestSchema, type FlowPage } from '../../gen/tycho/v1/dashboard_pb';
import type { GetFlowsResponse } from '../../gen/tycho/v1/flows_pb';
import type { TimeRange } from '../../place/place';
import type { Verdict as Judged } from '../../model/series';
import { usePlace } from '../../place/use_place';
import { timeText } from '../../show/numbers';
import { VerdictMark } from '../../show/verdict';
import { dashboard } from '../../wire/client';
import { failureOf, type Failure } from '../../wire/failure';

const SAMPLES = 20;

type Answer = { asked: string; page: FlowPage } | { asked: string; failure: Failure } | undefined;

/** What reported it: the same packet can be told as judged and as dropped. */
const EVENTS: Readonly<Record<number, string>> = { 1: 'drop', 4: 'trace', 5: 'policy-verdict' };

const MARKS: Readonly<Partial<Record<Verdict, Judged>>> = {
  [Verdict.FORWARDED]: 'forwarded',
  [Verdict.AUDIT]: 'audited',
  [Verdict.DROPPED]: 'dropped',
};

function useFlows(terms: readonly Term[], range: TimeRange, attempt: number): Answer {
  const [answer, setAnswer] = useState<Answer>(undefined);
  const asked = JSON.stringify([terms, range, attempt]);
  useEffect(() => {
    const call = new AbortController();
    const [wanted, span] = JSON.parse(asked) as [Term[], TimeRange];
    const request = create(GetFlowPageRequestSchema, { flows: messageOf(selectionOf(wanted)), pageSize: SAMPLES });
    if (span.kind === 'absolute') {
      request.since = timestampFromMs(span.fromMs);
      request.until = timestampFromMs(span.toMs);
    }
    dashboard()
      .getFlowPage(request, { signal: call.signal })
      .then((page) => setAnswer({ asked, page }))
      .catch((error: unknown) => {
        if (!call.signal.aborted) setAnswer({ asked, failure: failureOf(error) });
      });
    return () => call.abort();
  }, [asked]);
  return answer;
}

function endText(name: string | undefined, ip: string, port: number | undefined): string {
  return `${name || ip}${port ? `:${port}` : ''}`;
}

function portsOf({ l4 }: Flow): { source: number | undefined; destination: number | undefined } {
  const protocol = l4?.protocol;
  if (protocol?.case === 'TCP' || protocol?.case === 'UDP' || protocol?.case === 'SCTP') {
    return { source: protocol.value.sourcePort, destination: protocol.value.destinationPort };
  }
  return { source: undefined, destination: undefined };
}

function FlowRow({ told, flow }: { told: GetFlowsResponse; flow: Flow }) {
  const [, change] = usePlace();
  const ports = portsOf(flow);
  const mark = MARKS[flow.verdict];
  const time = flow.time ? timeText(timestampMs(flow.time)) : '';
  return (
    <tr>
      <td>
        <button
          type="button"
          className="link"
          onClick={() => change({ flow: { uuid: flow.uuid, node: told.nodeName } })}
          disabled={!flow.uuid}
        >
          {time}
        </button>
      </td>
      <td>
        {endText(flow.source?.podName, flow.IP?.source ?? '', ports.source)} →{' '}
        {endText(flow.destination?.podName, flow.IP?.destination ?? '', ports.destination)}
      </td>
      <td>{mark ? <VerdictMark verdict={mark} label={false} /> : Verdict[flow.verdict]}</td>
      <td>
        {EVENTS[flow.eventType?.type ?? 0] ?? ''} {flow.Summary}
      </td>
    </tr>
  );
}

export interface SampleFlowsProps {
  readonly terms: readonly Term[];
  readonly range: TimeRange;
  /** Drops are what one came for, if there are any. */
  readonly dropsFirst: boolean;
}

export function SampleFlows({ terms, range, dropsFirst }: SampleFlowsProps) {
  const [chosen, choose] = useState<'all' | 'DROPPED' | undefined>(undefined);
  const [attempt, again] = useState(0);
  const verdict = chosen ?? (dropsFirst ? 'DROPPED' : 'all');
  const wanted = verdict === 'all' ? terms : [...terms, { flag: 'verdict', value: verdict, not: false }];
  const answer = useFlows(wanted, range, attempt);
  const rows = answer && 'page' in answer ? answer.page.flows : [];
  const late = answer && 'page' in answer ? answer.page.nodeStatus.flatMap((node) => node.nodeNames) : [];
  return (
    <section aria-label="Sample flows">
      <h3>
        Sample flows{' '}
        <select
          aria-label="Verdict of the samples"
          value={verdict}
          onChange={(event) => choose(event.target.value === 'DROPPED' ? 'DROPPED' : 'all')}
        >
          <option value="all">all</option>
          <option value="DROPPED">dropped only</option>
        </select>{' '}
        <button type="button" onClick={() => again(attempt + 1)}>
          Ask again
        </button>
      </h3>
      {!answer ? <p className="canvas-note">Asking the nodes …</p> : null}
      {answer && 'failure' in answer ? (
        <p className="canvas-note" role="alert">
          {answer.failure.text}. {answer.failure.next}
        </p>
      ) : null}
      {answer && 'page' in answer && rows.length === 0 ? (
        <p className="canvas-note">No node holds such a flow any more.</p>
      ) : null}
      {rows.length > 0 ? (
        <div className="sample-flows">
          <table>
            <tbody>
              {rows.map((told, index) =>
                told.responseTypes.case === 'flow' ? (
                  <FlowRow key={told.responseTypes.value.uuid || index} told={told} flow={told.responseTypes.value} />
                ) : null,
              )}
            </tbody>
          </table>
        </div>
      ) : null}
      {late.length > 0 ? <p className="canvas-note">Without an answer of {late.join(', ')}.</p> : null}
    </section>
  );
}
