// Both lanes together stay within the room, and what is worst is among those shown.
import { expect, test } from 'vitest';
import { pictures } from '../../../browser/canvas_bench/synthetic_picture';
import { endOf } from '../../panels/edge/ends';
import { focusOn, MOST_CARDS, shareRoom } from './peers';

test.each([
  [0, 0, 59, [0, 0]],
  [10, 10, 59, [10, 10]],
  [100, 10, 59, [49, 10]],
  [3, 200, 59, [3, 56]],
  [100, 100, 59, [29, 30]],
  [29, 31, 59, [29, 30]],
  [31, 30, 59, [29, 30]],
])('%d callers and %d callees in %d', (callers, callees, room, expected) => {
  const [left, right] = shareRoom(callers, callees, room);
  expect([left, right]).toEqual(expected);
  expect(left + right).toBeLessThanOrEqual(room);
});

test('the busiest identity of many has at most so many cards, drops first', () => {
  const picture = pictures(400, 6000)();
  const end = endOf(picture.series, 'team-0/service-0#0', { by: 'namespace' })!;
  const { callers, callees } = focusOn(picture, end, 'connections');
  expect(callers.peers.length + callees.peers.length).toBeLessThan(MOST_CARDS);
  expect(callers.of).toBeGreaterThan(callers.peers.length);
  const drops = callers.peers.map((peer) => peer.dropped);
  expect(drops).toEqual([...drops].sort((a, b) => b - a));
  for (const peer of callers.peers) {
    const counted = peer.judgements.filter((one) => one.counts).reduce((sum, one) => sum + one.amount, 0);
    expect(counted).toBeCloseTo(peer.forwarded + peer.audited + peer.dropped);
  }
});
