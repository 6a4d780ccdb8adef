// Pictures that grew series by series are those that were made at once.
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { Verdict } from '../gen/flow/flow_pb';
import { DefinitionsSchema, WindowSchema } from '../gen/tycho/v1/dashboard_pb';
import { CountedSpan, type View } from './counted_span';
import { groupSeries, type Grouping } from './group_series';
import type { Picture } from './picture';

const SETS = 12;
const VERDICTS = [Verdict.FORWARDED, Verdict.AUDIT, Verdict.DROPPED];
const GROUPINGS: [Grouping, string[]][] = [
  [{ by: 'identity' }, []],
  [{ by: 'namespace' }, []],
  [{ by: 'namespace' }, ['ns:n1']],
];

/** The same numbers in each run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function labelSet(number: number) {
  return { number, labels: [`k8s:role=r${number}`], namespace: `n${number % 3}`, identities: [number + 255] };
}

function seriesOf(numbers: readonly number[], seed: number) {
  const told = [];
  for (const number of numbers) {
    const next = random(seed + number * 7_919);
    told.push({
      number,
      source: 1 + next(SETS),
      destination: 1 + next(SETS),
      protocol: next(2) === 0 ? 6 : 17,
      port: next(3) === 0 ? 53 : 80 + next(5),
      verdict: VERDICTS[next(3)]!,
      counts: next(4) > 0,
    });
  }
  return told;
}

function windowOf(sequence: number, highest: number) {
  const cells: number[] = [];
  for (let number = 1; number <= highest; number++) cells.push(1, number % 5, 2, 3);
  return create(WindowSchema, {
    firstSequence: BigInt(sequence),
    lastSequence: BigInt(sequence),
    startMs: sequence * 1000,
    lengthMs: 1000,
    cells: Uint8Array.from(cells),
  });
}

function shown(picture: Picture) {
  return {
    matches: [...picture.matches],
    hidden: picture.hidden,
    timeline: picture.timeline,
    grouped: GROUPINGS.map(([grouping, expanded]) => {
      const { groups, edges } = groupSeries(picture, grouping, expanded);
      return {
        groups: groups.map(({ key, members }) => [key, members.map((set) => set.number)]),
        edges: edges
          .map((edge) => ({
            key: edge.key,
            series: edge.series.map((one) => one.number).sort((a, b) => a - b),
            counts: [edge.forwarded, edge.audited, edge.dropped],
          }))
          .sort((a, b) => (a.key < b.key ? -1 : 1)),
      };
    }),
  };
}

/** Members of a group are named in the order in which they were found. */
function anyOrder(told: ReturnType<typeof shown>) {
  const sorted = (members: string | number[]) => (typeof members === 'string' ? members : [...members].sort());
  return {
    ...told,
    grouped: told.grouped.map((one) => ({ ...one, groups: one.groups.map((g) => g.map((x) => sorted(x as never))) })),
  };
}

describe.each([1, 2, 3, 4, 5])('seed %d', (seed) => {
  const view: View = { test: (one) => one.port !== 82, hide: ['dns'], countsFlowsOnly: false };
  const labelSets = Array.from({ length: SETS }, (_, at) => labelSet(at + 1));

  it('is the same, and what was shown before stays as it was', () => {
    const step = new CountedSpan(60_000);
    step.define(create(DefinitionsSchema, { epoch: 1n, labelSets }));
    const before: { picture: Picture; told: ReturnType<typeof shown> }[] = [];
    let highest = 0;
    const next = random(seed);
    let grew = 0;
    for (let sequence = 1; sequence <= 20; sequence++) {
      const numbers = Array.from({ length: next(6) }, () => ++highest);
      step.define(create(DefinitionsSchema, { epoch: 1n, series: seriesOf(numbers, seed) }));
      step.addWindow(windowOf(sequence, highest));
      const picture = step.picture(view);
      if (picture.grown) grew++;
      before.push({ picture, told: shown(picture) });
    }
    expect(grew).toBeGreaterThan(10);

    const whole = new CountedSpan(60_000);
    const all = Array.from({ length: highest }, (_, at) => at + 1);
    whole.define(create(DefinitionsSchema, { epoch: 1n, labelSets, series: seriesOf(all, seed) }));
    let upTo = 0;
    const again = random(seed);
    for (let sequence = 1; sequence <= 20; sequence++) {
      upTo += again(6);
      whole.addWindow(windowOf(sequence, upTo));
    }
    expect(anyOrder(before.at(-1)!.told)).toEqual(anyOrder(shown(whole.picture(view))));
    // The newest are still kept, the others are worked out again.
    for (const { picture, told } of before) expect(anyOrder(shown(picture))).toEqual(anyOrder(told));
  });

  it('begins anew when a name, or what is looked for, is another', () => {
    const span = new CountedSpan(60_000);
    span.define(create(DefinitionsSchema, { epoch: 1n, labelSets, series: seriesOf([1, 2, 3], seed) }));
    span.addWindow(windowOf(1, 3));
    span.picture(view);
    span.define(create(DefinitionsSchema, { epoch: 1n, series: seriesOf([2], seed + 1) }));
    expect(span.picture(view).grown).toBeUndefined();
    span.define(create(DefinitionsSchema, { epoch: 1n, labelSets: [{ ...labelSet(1), labels: ['k8s:role=other'] }] }));
    expect(span.picture(view).grown).toBeUndefined();
    span.define(create(DefinitionsSchema, { epoch: 1n, series: seriesOf([4], seed) }));
    expect(span.picture({ ...view, hide: [] }).grown).toBeUndefined();
  });
});
