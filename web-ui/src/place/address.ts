// A place as the query of an address, and back. What is as at the start is left out, so that links stay short.
import type { Grouping } from '../model/group_series';
import { START, VIEWS, type Noise, type Place, type TimeRange } from './place';

function rangeText(range: TimeRange): string {
  switch (range.kind) {
    case 'live':
      return 'live';
    case 'last':
      return range.seconds % 3600 === 0
        ? `${range.seconds / 3600}h`
        : range.seconds % 60 === 0
          ? `${range.seconds / 60}m`
          : `${range.seconds}s`;
    case 'absolute':
      return `${new Date(range.fromMs).toISOString()}..${new Date(range.toMs).toISOString()}`;
  }
}

function rangeOf(text: string): TimeRange {
  const last = /^(\d+)(s|m|h)$/.exec(text);
  if (last) {
    const unit = { s: 1, m: 60, h: 3600 }[last[2] as 's' | 'm' | 'h'];
    const seconds = Number(last[1]) * unit;
    if (seconds > 0) return { kind: 'last', seconds };
  }
  const [from, to] = text.split('..').map((end) => Date.parse(end));
  if (from !== undefined && to !== undefined && from < to) return { kind: 'absolute', fromMs: from, toMs: to };
  return START.range;
}

function groupingText(grouping: Grouping): string {
  return grouping.by === 'label' ? `label:${grouping.key}` : grouping.by;
}

function groupingOf(text: string): Grouping {
  if (text.startsWith('label:') && text.length > 6) return { by: 'label', key: text.slice(6) };
  if (text === 'namespace' || text === 'workload' || text === 'identity') return { by: text };
  return START.grouping;
}

/** The query, with its question mark; empty for the place where everybody starts. */
export function toQuery(place: Place): string {
  const query = new URLSearchParams();
  const set = (key: string, value: string, usual: string) => {
    if (value !== usual) query.set(key, value);
  };
  set('view', place.view, START.view);
  set('filter', place.filter, '');
  set('range', rangeText(place.range), 'live');
  set('by', groupingText(place.grouping), groupingText(START.grouping));
  set('measure', place.measure, START.measure);
  for (const key of place.expanded) query.append('open', key);
  if (place.edge) {
    query.set('from', place.edge.source);
    query.set('to', place.edge.destination);
  }
  set('focus', place.focus ?? '', '');
  if (place.flow) query.set('flow', `${place.flow.uuid}@${place.flow.node}`);
  set('policy', place.policy ?? '', '');
  set('hide', place.hide.join(','), '');
  if (place.newSinceMs !== undefined) query.set('since', new Date(place.newSinceMs).toISOString());
  set('table', place.asTable ? 'yes' : '', '');
  set('ungrouped', place.ungrouped ? 'yes' : '', '');
  set('sort', place.sort, '');
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Reads a query. What cannot be read is as at the start: an old link still leads somewhere. */
export function fromQuery(text: string): Place {
  const query = new URLSearchParams(text);
  const view = VIEWS.find((one) => one === query.get('view'));
  const measure = query.get('measure');
  const from = query.get('from');
  const to = query.get('to');
  const flow = query.get('flow') ?? '';
  const at = flow.indexOf('@');
  const since = Date.parse(query.get('since') ?? '');
  return {
    view: view ?? START.view,
    filter: query.get('filter') ?? '',
    range: rangeOf(query.get('range') ?? ''),
    grouping: groupingOf(query.get('by') ?? ''),
    measure: measure === 'packets' || measure === 'bytes' ? measure : 'connections',
    expanded: query.getAll('open'),
    edge: from && to ? { source: from, destination: to } : undefined,
    focus: query.get('focus') || undefined,
    flow: at > 0 ? { uuid: flow.slice(0, at), node: flow.slice(at + 1) } : undefined,
    policy: query.get('policy') || undefined,
    hide: (query.get('hide') ?? '').split(',').filter((one): one is Noise => one === 'dns' || one === 'host'),
    newSinceMs: Number.isNaN(since) ? undefined : since,
    asTable: query.get('table') === 'yes',
    ungrouped: query.get('ungrouped') === 'yes',
    sort: query.get('sort') ?? '',
  };
}
