// Everything comes, in order, and the page has its turn in between.
import { expect, test } from 'vitest';
import { gently, nextTask } from './gently';

async function* atOnce(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number++) {
    const until = performance.now() + 2;
    while (performance.now() < until);
    yield number;
  }
}

test('much at once leaves turns to others', async () => {
  let turns = 0;
  let over = false;
  const other = (async () => {
    while (!over) {
      await nextTask();
      turns++;
    }
  })();
  const came: number[] = [];
  for await (const number of gently(atOnce(50))) came.push(number);
  over = true;
  await other;
  expect(came).toEqual(Array.from({ length: 50 }, (_, number) => number));
  expect(turns).toBeGreaterThan(2);
});

test('who stops to read ends the source', async () => {
  let ended = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield 1;
    } finally {
      ended = true;
    }
  }
  for await (const one of gently(endless())) if (one === 1) break;
  expect(ended).toBe(true);
});

test('a failure is passed on', async () => {
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error('broken');
  }
  const read = async () => {
    for await (const one of gently(broken())) expect(one).toBe(1);
  };
  await expect(read()).rejects.toThrow('broken');
});
