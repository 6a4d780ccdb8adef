// Long work in pieces: between two of them the page can answer to its reader.

/** A piece may take so long: a third of what a reader would notice. */
const PIECE_MS = 16;

/** Waits until the browser has had its turn. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    // A timer would wait longer each time.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Passes on what comes. Much at once is taken in pieces. */
export async function* gently<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  let since = performance.now();
  for await (const one of source) {
    yield one;
    if (performance.now() - since < PIECE_MS) continue;
    await nextTask();
    since = performance.now();
  }
}
