// The picture for React: whoever reads the stream puts pictures here, views take them out.
import { useSyncExternalStore } from 'react';
import type { Picture } from './picture';

const none = {
  connections: new Float64Array(0),
  packets: new Float64Array(0),
  bytes: new Float64Array(0),
};

export const EMPTY_PICTURE: Picture = {
  version: 0,
  structure: 0,
  rangeStartMs: 0,
  rangeEndMs: 0,
  series: [],
  matches: new Uint8Array(0),
  sums: none,
  lastWindow: none,
  lastWindowMs: 0,
  hidden: { connections: 0, by: '' },
  timeline: [],
  lost: 0,
  late: 0,
  countsFlowsOnly: false,
  empty: true,
};

let picture = EMPTY_PICTURE;
const listeners = new Set<() => void>();

export function pictureNow(): Picture {
  return picture;
}

export function publishPicture(next: Picture): void {
  picture = next;
  for (const listener of [...listeners]) listener();
}

export function onPicture(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function usePicture(): Picture {
  return useSyncExternalStore(onPicture, pictureNow);
}
