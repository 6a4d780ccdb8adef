// One flow by its reference: why it got its verdict, and what came back.
import { useEffect, useState } from 'react';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { reverseOf } from '../../flows/connection_flags';
import { flowOf } from '../../flows/flow_text';
import { ExplainFlowRequestSchema, GetFlowPageRequestSchema, type FlowPage } from '../../gen/tycho/v1/dashboard_pb';
import type { GetFlowsResponse } from '../../gen/tycho/v1/flows_pb';
import type { Explanation } from '../../gen/tycho/v1/policies_pb';
import { referenceOf, timeOf } from '../../model/flow_tail';
import { tails } from '../../model/live_state';
import { dashboard } from '../../wire/client';
import { failureOf, type Failure } from '../../wire/failure';

export interface Explained {
  readonly reference: string;
  readonly explanation?: Explanation;
  readonly failure?: Failure;
}

export function useExplanation(uuid: string, node: string): Explained | undefined {
  const [told, setTold] = useState<Explained>();
  useEffect(() => {
    const call = new AbortController();
    dashboard()
      .explainFlow(create(ExplainFlowRequestSchema, { flow: uuid, nodeName: node }), { signal: call.signal })
      .then((explanation) => setTold({ reference: uuid, explanation }))
      .catch((error: unknown) => {
        if (!call.signal.aborted) setTold({ reference: uuid, failure: failureOf(error) });
      });
    return () => call.abort();
  }, [uuid, node]);
  return told?.reference === uuid ? told : undefined;
}

/** The flow as the table had it, before its node has answered. */
export function knownFlow(uuid: string): GetFlowsResponse | undefined {
  return tails.get().flows.find((flow) => referenceOf(flow) === uuid);
}

export interface Reverse {
  readonly reference: string;
  readonly page?: FlowPage;
  readonly failure?: Failure;
}

/** A reply is looked for a minute around the flow. */
const AROUND_MS = 60_000;

export function useReverse(response: GetFlowsResponse | undefined): Reverse | undefined {
  const [told, setTold] = useState<Reverse>();
  const flow = response && flowOf(response);
  const reference = flow?.uuid ?? '';
  useEffect(() => {
    if (!response || !flow) return;
    const call = new AbortController();
    const time = timeOf(response);
    const request = create(GetFlowPageRequestSchema, {
      flows: reverseOf(flow),
      since: timestampFromMs(time - AROUND_MS),
      until: timestampFromMs(time + AROUND_MS),
      pageSize: 10,
    });
    dashboard()
      .getFlowPage(request, { signal: call.signal })
      .then((page) => setTold({ reference, page }))
      .catch((error: unknown) => {
        if (!call.signal.aborted) setTold({ reference, failure: failureOf(error) });
      });
    return () => call.abort();
    // The flow is the same as long as its reference is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [reference]);
  return told?.reference === reference ? told : undefined;
}
