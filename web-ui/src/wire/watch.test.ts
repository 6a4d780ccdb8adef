// The stream comes back: where it ended, after a wait, and also when it only fell silent.
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WatchEventSchema, type WatchEvent, type WatchRequest } from '../gen/tycho/v1/dashboard_pb';
import { Backoff } from './backoff';
import { Watch, type Link } from './watch';

/** A server that is told by the test what to say. */
class Fake {
  requests: WatchRequest[] = [];
  private say: ((event: WatchEvent | Error | undefined) => void) | undefined;

  open = async function* (this: Fake, request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    this.requests.push(request);
    for (;;) {
      const next = await new Promise<WatchEvent | Error | undefined>((resolve) => {
        this.say = resolve;
        signal.addEventListener('abort', () => resolve(undefined));
      });
      if (next instanceof Error) throw next;
      if (!next) return;
      yield next;
    }
  }.bind(this);

  async send(what: WatchEvent | Error | undefined): Promise<void> {
    this.say?.(what);
    await vi.advanceTimersByTimeAsync(0);
  }
}

const wish = { historySeconds: 60, flows: undefined, flowsPerSecond: 0, counted: undefined };
const event = create(WatchEventSchema, { event: { case: 'status', value: {} } });

describe('Watch', () => {
  let fake: Fake;
  let links: Link[];
  let watch: Watch;
  const states = () => links.map((link) => link.state);

  beforeEach(() => {
    vi.useFakeTimers();
    fake = new Fake();
    links = [];
    watch = new Watch(
      fake.open,
      { event: () => watch.took(7n, 12n), link: (link) => links.push(link) },
      new Backoff(() => 1),
    );
  });
  afterEach(() => {
    watch.close();
    vi.useRealTimers();
  });

  it('goes on where it ended', async () => {
    watch.start(wish);
    await fake.send(event);
    await fake.send(new ConnectError('gone', Code.Unavailable));
    expect(states()).toEqual(['connecting', 'live', 'reconnecting']);
    expect(links[2]?.failure?.text).toBe('gone');
    await vi.advanceTimersByTimeAsync(500);
    expect(fake.requests.map((request) => [request.epoch, request.after])).toEqual([
      [0n, 0n],
      [7n, 12n],
    ]);
    await fake.send(event);
    expect(states().at(-1)).toBe('live');
  });

  it('waits longer each time, up to a bound', async () => {
    watch.start(wish);
    const waits: number[] = [];
    for (let round = 0; round < 7; round++) {
      await fake.send(new ConnectError('gone', Code.Unavailable));
      const wait = links.at(-1)!.retryAtMs! - Date.now();
      waits.push(wait);
      await vi.advanceTimersByTimeAsync(wait);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000]);
  });

  it('says that it is stale, then opens another stream', async () => {
    watch.start(wish);
    await fake.send(event);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(states().at(-1)).toBe('stale');
    await vi.advanceTimersByTimeAsync(8_000);
    expect(fake.requests).toHaveLength(2);
  });

  it('does not try again what can never work', async () => {
    watch.start(wish);
    await fake.send(new ConnectError('no such filter', Code.InvalidArgument));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fake.requests).toHaveLength(1);
    expect(links.at(-1)?.retryAtMs).toBeUndefined();
  });

  it('begins anew with another wish, and goes on with another tail', async () => {
    watch.start(wish);
    await fake.send(event);
    watch.change({ ...wish, flowsPerSecond: 0, historySeconds: 60 });
    watch.start({ ...wish, historySeconds: 300 });
    await vi.advanceTimersByTimeAsync(0);
    expect(fake.requests.map((request) => [request.historySeconds, request.after])).toEqual([
      [60, 0n],
      [60, 12n],
      [300, 0n],
    ]);
  });
});
