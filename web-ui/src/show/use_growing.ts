// A long list, or a view of many parts, in steps, a few a frame: drawing all at once would hold the page up.
import { useEffect, useState } from 'react';

const ROWS = 15;

/** Rises to `most` from frame to frame. */
export function useGrowing(most: number, step = ROWS): number {
  const [ready, setReady] = useState(step);
  const wanting = ready < most;
  useEffect(() => {
    if (!wanting) return;
    const frame = requestAnimationFrame(() => setReady(ready + step));
    return () => cancelAnimationFrame(frame);
  }, [wanting, ready, step]);
  return Math.min(ready, most);
}
