// How the page stands to its server, apart from what is counted: link, nodes, an asked past, the tail of flows.
import type { DashboardStatus, WindowsExtent } from '../gen/tycho/v1/dashboard_pb';
import type { Failure } from '../wire/failure';
import type { Link } from '../wire/watch';
import type { TailState } from './flow_tail';
import { Store } from './store';

export type Past =
  | { readonly state: 'none' }
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly extent: WindowsExtent | undefined; readonly fromMs: number }
  | { readonly state: 'failed'; readonly failure: Failure };

export const links = new Store<Link>({ state: 'closed', sinceMs: 0 });
export const statuses = new Store<DashboardStatus | undefined>(undefined);
export const pasts = new Store<Past>({ state: 'none' });
export const tails = new Store<TailState>({ version: 0, flows: [], skipped: 0, came: 0 });
