// Cells are read exactly, or refused.
import { describe, expect, it } from 'vitest';
import { BadCells, decodeCells } from './cells';

function varints(...values: number[]): Uint8Array {
  const out: number[] = [];
  for (let value of values) {
    while (value >= 128) {
      out.push((value % 128) + 128);
      value = Math.floor(value / 128);
    }
    out.push(value);
  }
  return Uint8Array.from(out);
}

describe('decodeCells', () => {
  it('adds up steps and reads large counts', () => {
    const cells = decodeCells(varints(3, 1, 2, 300, 200, 0, 5, 2 ** 45 + 7));
    expect([...cells.numbers]).toEqual([3, 203]);
    expect([...cells.connections]).toEqual([1, 0]);
    expect([...cells.packets]).toEqual([2, 5]);
    expect([...cells.bytes]).toEqual([300, 2 ** 45 + 7]);
  });

  it('reads nothing', () => expect(decodeCells(new Uint8Array(0)).numbers).toHaveLength(0));

  it.each([
    ['a row that is not whole', varints(1, 2, 3)],
    ['a number that does not end', Uint8Array.from([1, 2, 3, 0x80])],
    ['a count beyond 2^53', Uint8Array.from([1, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  ])('refuses %s', (_, data) => expect(() => decodeCells(data)).toThrow(BadCells));
});
