// Three columns of numbers by series that grow as series come.
import type { Cells } from '../wire/cells';
import type { Sums } from './picture';

export class Columns implements Sums {
  connections = new Float64Array(0);
  packets = new Float64Array(0);
  bytes = new Float64Array(0);

  get length(): number {
    return this.connections.length;
  }

  /** Makes room for numbers below `length`. */
  grow(length: number): void {
    if (length <= this.length) return;
    const room = Math.max(length, this.length * 2, 256);
    const grown = (from: Float64Array) => {
      const to = new Float64Array(room);
      to.set(from);
      return to;
    };
    this.connections = grown(this.connections);
    this.packets = grown(this.packets);
    this.bytes = grown(this.bytes);
  }

  /** Adds cells, or takes them away again with `sign` -1. Sums of whole numbers stay exact. */
  add(cells: Cells, sign: 1 | -1 = 1): void {
    const { numbers } = cells;
    if (numbers.length === 0) return;
    this.grow(numbers[numbers.length - 1]! + 1);
    for (let row = 0; row < numbers.length; row++) {
      const number = numbers[row]!;
      this.connections[number] = this.connections[number]! + sign * cells.connections[row]!;
      this.packets[number] = this.packets[number]! + sign * cells.packets[row]!;
      this.bytes[number] = this.bytes[number]! + sign * cells.bytes[row]!;
    }
  }

  clear(): void {
    this.connections.fill(0);
    this.packets.fill(0);
    this.bytes.fill(0);
  }

  /** A copy that does not change, of at least `length` numbers. */
  copy(length: number): Sums {
    this.grow(length);
    return { connections: this.connections.slice(), packets: this.packets.slice(), bytes: this.bytes.slice() };
  }
}

/** Cells that several windows have together. */
export function mergeCells(parts: readonly Cells[]): Cells {
  if (parts.length === 1) return parts[0]!;
  const sums = new Map<number, [number, number, number]>();
  for (const part of parts) {
    for (let row = 0; row < part.numbers.length; row++) {
      const sum = sums.get(part.numbers[row]!) ?? [0, 0, 0];
      sum[0] += part.connections[row]!;
      sum[1] += part.packets[row]!;
      sum[2] += part.bytes[row]!;
      sums.set(part.numbers[row]!, sum);
    }
  }
  const numbers = Uint32Array.from(sums.keys()).sort();
  const column = (place: 0 | 1 | 2) => Float64Array.from(numbers, (number) => sums.get(number)![place]);
  return { numbers, connections: column(0), packets: column(1), bytes: column(2) };
}
