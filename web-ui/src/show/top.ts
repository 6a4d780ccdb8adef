// The first few of many, without putting all in order.

/** The `most` first rows by `compare`, in order. */
export function topOf<Row>(rows: Iterable<Row>, most: number, compare: (a: Row, b: Row) => number): Row[] {
  const top: Row[] = [];
  for (const row of rows) {
    if (top.length === most && compare(row, top[most - 1]!) >= 0) continue;
    let at = top.length;
    while (at > 0 && compare(row, top[at - 1]!) < 0) at--;
    top.splice(at, 0, row);
    if (top.length > most) top.pop();
  }
  return top;
}
