// Whether the reader has stopped the pictures, and how much came since.
import { Store } from './store';

export interface Pause {
  readonly paused: boolean;
  /** Windows that came since. */
  readonly windows: number;
  /** Single flows that came since. */
  readonly flows: number;
}

export const RUNNING: Pause = { paused: false, windows: 0, flows: 0 };

export const pauses = new Store<Pause>(RUNNING);
