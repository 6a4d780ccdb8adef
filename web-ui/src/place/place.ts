// Where the reader is: all that a link has to say to show another person the same.
import type { Grouping } from '../model/group_series';
import type { Measure } from '../model/picture';

export const VIEWS = [
  'overview',
  'matrix',
  'map',
  'focus',
  'flows',
  'drops',
  'policies',
  'endpoints',
  'nodes',
] as const;
export type View = (typeof VIEWS)[number];

export type TimeRange =
  /** The last minute, running. */
  { kind: 'live' } | { kind: 'last'; seconds: number } | { kind: 'absolute'; fromMs: number; toMs: number };

export type Noise = 'dns' | 'host';

export interface Place {
  readonly view: View;
  /** Flags as `tycho observe` has them. */
  readonly filter: string;
  readonly range: TimeRange;
  readonly grouping: Grouping;
  readonly measure: Measure;
  /** Keys of groups that show their members. */
  readonly expanded: readonly string[];
  /** The edge panel: keys of the two groups. */
  readonly edge: { readonly source: string; readonly destination: string } | undefined;
  /** Key of the end that Focus shows. */
  readonly focus: string | undefined;
  /** The flow whose detail is open, and `<cluster>/<node>` that told of it. */
  readonly flow: { readonly uuid: string; readonly node: string } | undefined;
  /** The policy that the view of policies shows in full: `<kind>/<namespace>/<name>`. */
  readonly policy: string | undefined;
  /** What is left out unless it was dropped. */
  readonly hide: readonly Noise[];
  /** Edges first seen after this count as new. */
  readonly newSinceMs: number | undefined;
  /** A canvas view as the table that says the same. */
  readonly asTable: boolean;
  /** Single identities also when they are too many to be read. */
  readonly ungrouped: boolean;
  /** What a table is sorted by: column, with `-` before it for the largest first. */
  readonly sort: string;
}

export const START: Place = {
  view: 'overview',
  filter: '',
  range: { kind: 'live' },
  grouping: { by: 'identity' },
  measure: 'connections',
  expanded: [],
  edge: undefined,
  focus: undefined,
  flow: undefined,
  policy: undefined,
  hide: [],
  newSinceMs: undefined,
  asTable: false,
  ungrouped: false,
  sort: '',
};
