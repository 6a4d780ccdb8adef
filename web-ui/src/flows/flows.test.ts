// Flows in words, as flags, and as rows.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { DropReason, FlowSchema, TrafficDirection, Verdict } from '../gen/flow/flow_pb';
import { FlowPageSchema, FlowSelectionSchema, type GetFlowPageRequest } from '../gen/tycho/v1/dashboard_pb';
import { GetFlowsResponseSchema } from '../gen/tycho/v1/flows_pb';
import { referenceOf } from '../model/flow_tail';
import { commandOfConnection, commandOfFilter, reverseOf } from './connection_flags';
import { endsOf, typeText, verdictText } from './flow_text';
import { OlderFlows } from './older_flows';
import { shownFlows } from './shown_flows';

const flow = create(FlowSchema, {
  uuid: 'u1',
  verdict: Verdict.DROPPED,
  IP: { source: '10.1.0.1', destination: '10.2.0.2' },
  l4: { protocol: { case: 'TCP', value: { sourcePort: 40000, destinationPort: 5432 } } },
  source: { identity: 256, namespace: 'shop', podName: 'intruder' },
  destination: { identity: 2 },
  eventType: { type: 5 },
  trafficDirection: TrafficDirection.INGRESS,
  ingressDeniedBy: [{ name: 'db', namespace: 'shop', kind: 'CiliumNetworkPolicy' }],
});
const forwarded = create(FlowSchema, {
  ...flow,
  uuid: 'u2',
  verdict: Verdict.FORWARDED,
  eventType: { $typeName: 'flow.CiliumEventType', type: 4, subType: 0 },
});
const drop = create(FlowSchema, {
  ...flow,
  uuid: 'u3',
  dropReasonDesc: DropReason.POLICY_DENY,
  eventType: { $typeName: 'flow.CiliumEventType', type: 1, subType: 181 },
});
const dns = create(FlowSchema, {
  uuid: 'u4',
  verdict: Verdict.FORWARDED,
  l4: { protocol: { case: 'UDP', value: { sourcePort: 1, destinationPort: 53 } } },
});
const told = (value: typeof flow) => create(GetFlowsResponseSchema, { responseTypes: { case: 'flow', value } });

describe('flow text', () => {
  it('has the columns of the command line', () => {
    expect([typeText(flow), verdictText(flow)]).toEqual(['policy-verdict:none INGRESS', 'DENIED']);
    expect([typeText(forwarded), verdictText(forwarded)]).toEqual(['to-endpoint', 'FORWARDED']);
    expect([typeText(drop), verdictText(drop)]).toEqual(['Policy deny', 'DROPPED']);
    expect(endsOf(flow).source).toMatchObject({ name: 'shop/intruder', port: 40000, identity: 'ID:256' });
    expect(endsOf(flow).destination).toMatchObject({ name: '10.2.0.2', identity: 'world' });
  });

  it('is a command', () => {
    expect(commandOfConnection(flow)).toBe(
      'tycho observe --from-ip 10.1.0.1 --to-ip 10.2.0.2 --protocol tcp --to-port 5432',
    );
    expect(commandOfFilter('--rule x --verdict DROPPED', '--follow')).toBe('tycho observe --verdict DROPPED --follow');
    expect(reverseOf(flow).whitelist[0]).toMatchObject({
      sourceIp: ['10.2.0.2'],
      sourcePort: ['5432'],
      destinationPort: ['40000'],
    });
  });
});

describe('shownFlows', () => {
  const all = { rules: [], notRules: [], hide: [] };
  const rows = [flow, forwarded].map(told);
  const ids = (wanted: Parameters<typeof shownFlows>[2]) =>
    shownFlows(rows, [told(forwarded), told(dns)], wanted).rows.map(referenceOf);

  it('has none twice', () => expect(ids(all)).toEqual(['u1', 'u2', 'u4']));
  it('takes rules into account', () => {
    expect(ids({ ...all, rules: ['shop/db'] })).toEqual(['u1']);
    expect(ids({ ...all, notRules: ['shop/db'] })).toEqual(['u2', 'u4']);
  });
  it('counts what it hides', () => {
    expect(shownFlows(rows, [told(dns)], { ...all, hide: ['dns'] })).toMatchObject({ hidden: 1, rows: { length: 2 } });
  });
});

describe('OlderFlows', () => {
  it('goes from page to page to the end', async () => {
    const requests: GetFlowPageRequest[] = [];
    const older = new OlderFlows(
      async (request) => {
        requests.push(request);
        return create(FlowPageSchema, { flows: [told(flow)], next: requests.length === 1 ? 'two' : '' });
      },
      create(FlowSelectionSchema),
      1000,
      undefined,
    );
    await older.more();
    await older.more();
    await older.more();
    expect(requests.map((request) => request.cursor)).toEqual(['', 'two']);
    expect(older.store.get()).toMatchObject({ state: 'end', flows: { length: 2 } });
  });
});
