// Reads the cells of a window: protobuf varints of series number steps, connections, packets and bytes.

/** What was counted, by series, in columns. */
export interface Cells {
  /** Series numbers, rising. */
  readonly numbers: Uint32Array;
  readonly connections: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

/** The cells end in the middle of a number, or a number is larger than any count can be. */
export class BadCells extends Error {}

const NONE: Cells = {
  numbers: new Uint32Array(0),
  connections: new Float64Array(0),
  packets: new Float64Array(0),
  bytes: new Float64Array(0),
};

function countVarints(data: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < data.length; at++) if (data[at]! < 0x80) count++;
  return count;
}

/** Numbers stay exact up to 2^53; counts of one window never get there. */
export function decodeCells(data: Uint8Array): Cells {
  if (data.length === 0) return NONE;
  const varints = countVarints(data);
  const rows = varints / 4;
  if (!Number.isInteger(rows) || data[data.length - 1]! >= 0x80) throw new BadCells('cells end too early');
  const numbers = new Uint32Array(rows);
  const connections = new Float64Array(rows);
  const packets = new Float64Array(rows);
  const bytes = new Float64Array(rows);
  let at = 0;
  const next = (): number => {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = data[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new BadCells('a count is too large');
    return value;
  };
  let number = 0;
  for (let row = 0; row < rows; row++) {
    number += next();
    numbers[row] = number;
    connections[row] = next();
    packets[row] = next();
    bytes[row] = next();
  }
  return { numbers, connections, packets, bytes };
}
