// A long list in steps, a few rows a frame: drawing all at once would hold the page up.
import { useEffect, useState } from 'react';

const STEP = 15;

/** Rises to `most` from frame to frame. */
export function useGrowing(most: number): number {
  const [ready, setReady] = useState(STEP);
  const wanting = ready < most;
  useEffect(() => {
    if (!wanting) return;
    const frame = requestAnimationFrame(() => setReady(ready + STEP));
    return () => cancelAnimationFrame(frame);
  }, [wanting, ready]);
  return Math.min(ready, most);
}
