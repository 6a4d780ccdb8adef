// From a place to requests, from events to pictures.
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Verdict } from '../gen/flow/flow_pb';
import {
  WatchEventSchema,
  WindowsPartSchema,
  type GetWindowsRequest,
  type WatchEvent,
  type WatchRequest,
  type WindowsPart,
} from '../gen/tycho/v1/dashboard_pb';
import { START } from '../place/place';
import { Live } from './live';
import { pasts } from './live_state';
import { EMPTY_PICTURE, pictureNow, pictures } from './use_picture';

const definitions = {
  epoch: 5n,
  labelSets: [
    { number: 1, labels: ['k8s:role=front'], namespace: 'shop' },
    { number: 2, labels: ['k8s:role=db'], namespace: 'shop' },
  ],
  series: [
    { number: 1, source: 1, destination: 2, protocol: 6, port: 80, verdict: Verdict.FORWARDED, counts: true },
    { number: 2, source: 1, destination: 2, protocol: 6, port: 81, verdict: Verdict.DROPPED, counts: true },
  ],
};

function windowEvent(sequence: number, cells: number[]): WatchEvent {
  const value = {
    firstSequence: BigInt(sequence),
    lastSequence: BigInt(sequence),
    startMs: sequence * 1000,
    lengthMs: 1000,
    cells: Uint8Array.from(cells),
  };
  return create(WatchEventSchema, { event: { case: 'window', value } });
}

describe('Live', () => {
  const requests: WatchRequest[] = [];
  const pastRequests: GetWindowsRequest[] = [];
  let events: WatchEvent[] = [];
  let live: Live;

  async function* open(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    requests.push(request);
    yield* events;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  async function* openWindows(request: GetWindowsRequest): AsyncGenerator<WindowsPart> {
    pastRequests.push(request);
    yield create(WindowsPartSchema, { definitions });
    yield create(WindowsPartSchema, {
      window: { startMs: 5000, lengthMs: 1000, cells: Uint8Array.from([1, 9, 9, 9]) },
    });
    yield create(WindowsPartSchema, { extent: { resolutionMs: 1000, knownSinceMs: 5000 } });
  }

  const settle = () => vi.advanceTimersByTimeAsync(300);

  beforeEach(() => {
    vi.useFakeTimers();
    requests.length = 0;
    pastRequests.length = 0;
    pictures.set(EMPTY_PICTURE);
    events = [
      create(WatchEventSchema, { event: { case: 'definitions', value: definitions } }),
      windowEvent(1, [1, 3, 30, 100, 1, 2, 2, 20]),
    ];
    live = new Live(open, openWindows);
  });
  afterEach(() => {
    live.close();
    vi.useRealTimers();
  });

  it('shows sums and totals of what matches', async () => {
    live.show(START);
    await settle();
    expect([...pictureNow().sums.connections.slice(0, 3)]).toEqual([0, 3, 2]);
    expect(pictureNow().timeline).toMatchObject([{ forwarded: 3, dropped: 2 }]);
    live.show({ ...START, filter: '--verdict DROPPED' });
    await settle();
    expect([...pictureNow().matches]).toEqual([0, 0, 1]);
    expect(pictureNow().timeline).toMatchObject([{ forwarded: 0, dropped: 2 }]);
    expect(requests).toHaveLength(1);
  });

  it('asks the server to count single flows where series know too little', async () => {
    live.show({ ...START, filter: '--pod shop/db' });
    await settle();
    expect(requests[0]?.counted?.whitelist).toHaveLength(2);
    expect(pictureNow().countsFlowsOnly).toBe(true);
  });

  it('goes on behind the last window when flows are wanted too', async () => {
    live.show(START);
    await settle();
    live.show({ ...START, view: 'flows' });
    await settle();
    expect(requests.map((request) => [request.after, request.flowsPerSecond])).toEqual([
      [0n, 0],
      [1n, 200],
    ]);
    expect([...pictureNow().sums.connections.slice(0, 3)]).toEqual([0, 3, 2]);
  });

  it('begins anew for a longer range', async () => {
    live.show(START);
    await settle();
    live.show({ ...START, range: { kind: 'last', seconds: 3600 } });
    await settle();
    expect(requests.map((request) => request.historySeconds)).toEqual([60, 3600]);
    expect(requests[1]?.after).toBe(0n);
  });

  it('asks for the past and comes back', async () => {
    live.show({ ...START, range: { kind: 'absolute', fromMs: 5000, toMs: 6000 } });
    await settle();
    expect(pasts.get()).toMatchObject({ state: 'loaded', extent: { resolutionMs: 1000 } });
    expect([...pictureNow().sums.connections.slice(0, 3)]).toEqual([0, 9, 0]);
    live.show(START);
    await settle();
    expect([...pictureNow().sums.connections.slice(0, 3)]).toEqual([0, 3, 2]);
  });
});
