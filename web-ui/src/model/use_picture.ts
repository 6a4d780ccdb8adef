// The picture for React: whoever reads the stream puts pictures here, views take them out.
import type { Picture } from './picture';
import { Store, useStore } from './store';

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
  lastSeenMs: new Float64Array(0),
  lastWindow: none,
  lastWindowMs: 0,
  hidden: { connections: 0, by: '' },
  timeline: [],
  timelineOf: () => [],
  lost: 0,
  late: 0,
  countsFlowsOnly: false,
  empty: true,
};

export const pictures = new Store<Picture>(EMPTY_PICTURE);

export function pictureNow(): Picture {
  return pictures.get();
}

export function usePicture(): Picture {
  return useStore(pictures);
}
