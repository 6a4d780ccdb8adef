// Sums over a running range: exact, without duplicates, with provisional drops.
import { describe, expect, it } from 'vitest';
import type { Cells } from '../wire/cells';
import type { Series } from './series';
import { WindowRing, type ClosedWindow } from './window_ring';

function cells(rows: Record<number, number>): Cells {
  const numbers = Uint32Array.from(Object.keys(rows).map(Number));
  const connections = Float64Array.from(Object.values(rows));
  return {
    numbers,
    connections,
    packets: connections.map((one) => one * 10),
    bytes: connections.map((one) => one * 100),
  };
}

function window(
  sequence: number,
  rows: Record<number, number>,
  lengthMs = 1000,
  startMs = sequence * 1000,
): ClosedWindow {
  return { firstSequence: sequence, lastSequence: sequence, startMs, lengthMs, cells: cells(rows), lost: 0, late: 1 };
}

const sums = (ring: WindowRing) => [...ring.sums.connections.slice(0, 4)];

describe('WindowRing', () => {
  it('adds up and forgets what is too old', () => {
    const ring = new WindowRing(3000);
    for (let sequence = 1; sequence <= 5; sequence++) ring.add(window(sequence, { 1: 1, 2: sequence }));
    expect(sums(ring)).toEqual([0, 3, 12, 0]);
    expect([ring.startMs, ring.endMs, ring.late]).toEqual([3000, 6000, 3]);
    expect(ring.lastSeenMs[2]).toBe(6000);
  });

  it('refuses what it has', () => {
    const ring = new WindowRing(10_000);
    expect(
      [window(1, { 1: 1 }), window(2, { 1: 1 }), window(2, { 1: 1 }), window(1, { 1: 1 })].map((one) => ring.add(one)),
    ).toEqual([true, true, false, false]);
    expect(sums(ring)).toEqual([0, 2, 0, 0]);
  });

  it('takes merged windows as one', () => {
    const ring = new WindowRing(10_000);
    ring.add(window(1, { 1: 1 }));
    ring.add({ ...window(4, { 1: 5 }, 3000, 2000), firstSequence: 2 });
    expect(ring.add(window(3, { 1: 1 }))).toBe(false);
    expect([sums(ring)[1], ring.endMs, ring.newestMs]).toEqual([6, 5000, 3000]);
  });

  it('counts early drops until the next window or the next of these', () => {
    const ring = new WindowRing(10_000);
    ring.add(window(1, { 1: 1 }));
    ring.addEarly(cells({ 3: 2 }));
    ring.addEarly(cells({ 3: 4 }));
    expect(sums(ring)).toEqual([0, 1, 0, 4]);
    ring.add(window(2, { 3: 5 }));
    expect(sums(ring)).toEqual([0, 1, 0, 5]);
  });

  it('puts old windows of a long range together and keeps its sums', () => {
    const ring = new WindowRing(300_000);
    for (let sequence = 1; sequence <= 400; sequence++) ring.add(window(sequence, { 1: 1, [2 + (sequence % 2)]: 1 }));
    const series = [undefined, { counts: true, verdict: 'dropped' } as Series];
    const timeline = ring.timeline(series, Uint8Array.from([0, 1]));
    expect(timeline.length).toBeLessThan(120);
    expect(timeline.reduce((sum, point) => sum + point.dropped, 0)).toBe(sums(ring)[1]);
    const seconds = (ring.endMs - ring.startMs) / 1000;
    expect(sums(ring)[1]).toBe(seconds);
    expect(seconds).toBeGreaterThan(294);
    expect(seconds).toBeLessThanOrEqual(300);
  });
});
