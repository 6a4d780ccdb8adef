// The first few of many, without putting all in order.

/** The `most` first rows by `compare`, in order. */
export function topOf<Row>(rows: Iterable<Row>, most: number, compare: (a: Row, b: Row) => number): Row[] {
  const top: Row[] = [];
  for (const row of rows) {
    if (top.length === most && compare(row, top[most - 1]!) >= 0) continue;
    let low = 0;
    let high = top.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(row, top[middle]!) < 0) high = middle;
      else low = middle + 1;
    }
    top.splice(low, 0, row);
    if (top.length > most) top.pop();
  }
  return top;
}
