// The tail of flows: newest first, none twice, bounded.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { GetFlowsResponseSchema, type GetFlowsResponse } from '../gen/tycho/v1/flows_pb';
import { FlowTail, MOST_FLOWS, referenceOf } from './flow_tail';

function flow(number: number): GetFlowsResponse {
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: 'flow', value: { uuid: `u${number}`, time: { seconds: BigInt(number), nanos: 0 } } },
  });
}

describe('FlowTail', () => {
  it('orders by time and refuses what it has', () => {
    const tail = new FlowTail();
    expect(tail.add([flow(1), flow(3)])).toBe(true);
    expect(tail.add([flow(2), flow(3)], 4)).toBe(true);
    expect(tail.add([flow(2)])).toBe(false);
    expect(tail.state().flows.map(referenceOf)).toEqual(['u3', 'u2', 'u1']);
    expect([tail.state().skipped, tail.state().came]).toEqual([4, 3]);
  });

  it('keeps the newest', () => {
    const tail = new FlowTail();
    tail.add(Array.from({ length: MOST_FLOWS + 10 }, (_, number) => flow(number)));
    expect(tail.state().flows).toHaveLength(MOST_FLOWS);
    expect(referenceOf(tail.state().flows.at(-1)!)).toBe('u10');
  });
});
