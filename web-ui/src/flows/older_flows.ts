// Flows that nodes still hold, page after page, newest first.
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  GetFlowPageRequestSchema,
  type FlowPage,
  type FlowSelection,
  type GetFlowPageRequest,
} from '../gen/tycho/v1/dashboard_pb';
import type { GetFlowsResponse } from '../gen/tycho/v1/flows_pb';
import { Store } from '../model/store';
import { failureOf, type Failure } from '../wire/failure';

export interface Older {
  readonly flows: readonly GetFlowsResponse[];
  readonly state: 'ready' | 'loading' | 'end' | 'failed';
  readonly failure?: Failure;
  /** Nodes that could not be asked. */
  readonly missing: readonly string[];
}

export type FetchPage = (request: GetFlowPageRequest, signal: AbortSignal) => Promise<FlowPage>;

const PAGE = 200;
/** A reader who goes on scrolling is better served by a narrower filter. */
export const MOST_OLDER = 10_000;

export class OlderFlows {
  readonly store = new Store<Older>({ flows: [], state: 'ready', missing: [] });
  private cursor = '';
  private readonly call = new AbortController();

  constructor(
    private readonly fetch: FetchPage,
    private readonly flows: FlowSelection,
    private readonly sinceMs: number | undefined,
    private readonly untilMs: number | undefined,
  ) {}

  cancel(): void {
    this.call.abort();
  }

  async more(): Promise<void> {
    const before = this.store.get();
    if (before.state === 'loading' || before.state === 'end') return;
    this.store.set({ flows: before.flows, missing: before.missing, state: 'loading' });
    const request = create(GetFlowPageRequestSchema, { flows: this.flows, pageSize: PAGE, cursor: this.cursor });
    if (this.sinceMs !== undefined) request.since = timestampFromMs(this.sinceMs);
    if (this.untilMs !== undefined) request.until = timestampFromMs(this.untilMs);
    try {
      const page = await this.fetch(request, this.call.signal);
      this.cursor = page.next;
      const flows = [...before.flows, ...page.flows];
      const end = page.next === '' || flows.length >= MOST_OLDER;
      const missing = new Set([...before.missing, ...page.nodeStatus.flatMap((status) => status.nodeNames)]);
      this.store.set({ flows, missing: [...missing], state: end ? 'end' : 'ready' });
    } catch (error) {
      if (this.call.signal.aborted) return;
      this.store.set({ flows: before.flows, missing: before.missing, state: 'failed', failure: failureOf(error) });
    }
  }
}
