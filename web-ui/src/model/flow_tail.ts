// The newest single flows, bounded, without duplicates, newest first.
import type { GetFlowsResponse } from '../gen/tycho/v1/flows_pb';

export interface TailState {
  readonly version: number;
  /** Newest first. */
  readonly flows: readonly GetFlowsResponse[];
  /** Flows that matched and were left out by the server since the tail began. */
  readonly skipped: number;
  /** Flows that came since the tail began. */
  readonly came: number;
}

export const MOST_FLOWS = 5_000;

export function referenceOf(response: GetFlowsResponse): string {
  return response.responseTypes.case === 'flow' ? response.responseTypes.value.uuid : '';
}

export function timeOf(response: GetFlowsResponse): number {
  const time = response.responseTypes.case === 'flow' ? response.responseTypes.value.time : response.time;
  return time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : 0;
}

export class FlowTail {
  private flows: GetFlowsResponse[] = [];
  private known = new Set<string>();
  private version = 0;
  private skipped = 0;
  private came = 0;

  clear(): void {
    this.flows = [];
    this.known.clear();
    this.skipped = 0;
    this.came = 0;
    this.version++;
  }

  /** Adds flows in any order; `false` if all were there already. */
  add(flows: readonly GetFlowsResponse[], skipped = 0): boolean {
    const fresh = flows.filter((flow) => {
      const reference = referenceOf(flow);
      if (reference === '') return flow.responseTypes.case === 'lostEvents';
      if (this.known.has(reference)) return false;
      this.known.add(reference);
      return true;
    });
    this.skipped += skipped;
    if (fresh.length === 0 && skipped === 0) return false;
    this.came += fresh.length;
    // Only what is newer than the oldest newcomer has to be put in order.
    const oldest = Math.min(...fresh.map(timeOf));
    const older = this.flows.findIndex((flow) => timeOf(flow) < oldest);
    const settled = older < 0 ? [] : this.flows.slice(older);
    const mixed = older < 0 ? this.flows : this.flows.slice(0, older);
    this.flows = [...fresh, ...mixed].sort((a, b) => timeOf(b) - timeOf(a)).concat(settled);
    for (const gone of this.flows.splice(MOST_FLOWS)) this.known.delete(referenceOf(gone));
    this.version++;
    return true;
  }

  state(): TailState {
    return { version: this.version, flows: this.flows, skipped: this.skipped, came: this.came };
  }
}
