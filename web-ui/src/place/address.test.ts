// A place survives the way through an address.
import { describe, expect, it } from 'vitest';
import { fromQuery, toQuery } from './address';
import { START, type Place } from './place';

const places: [string, Partial<Place>, string][] = [
  ['the start', {}, ''],
  ['a view', { view: 'matrix' }, '?view=matrix'],
  ['a filter', { filter: '--to-label role=db' }, '?filter=--to-label+role%3Ddb'],
  ['a range', { range: { kind: 'last', seconds: 300 } }, '?range=5m'],
  [
    'an absolute range',
    { range: { kind: 'absolute', fromMs: 1_700_000_000_000, toMs: 1_700_000_060_000 } },
    '?range=2023-11-14T22%3A13%3A20.000Z..2023-11-14T22%3A14%3A20.000Z',
  ],
  ['a label key', { grouping: { by: 'label', key: 'role' } }, '?by=label%3Arole'],
  ['open groups', { expanded: ['ns:shop', 'ns:ops'] }, '?open=ns%3Ashop&open=ns%3Aops'],
  ['an edge', { edge: { source: 'ns:a', destination: 'ns:b' } }, '?from=ns%3Aa&to=ns%3Ab'],
  ['a flow', { flow: { uuid: 'u-1', node: 'c/n' } }, '?flow=u-1%40c%2Fn'],
  ['a policy', { policy: 'NetworkPolicy/shop/db' }, '?policy=NetworkPolicy%2Fshop%2Fdb'],
  ['a table of all', { asTable: true, ungrouped: true }, '?table=yes&ungrouped=yes'],
  ['noise', { hide: ['dns', 'host'] }, '?hide=dns%2Chost'],
];

describe('address', () => {
  it.each(places)('keeps %s', (_, change, query) => {
    const place = { ...START, ...change };
    expect(toQuery(place)).toBe(query);
    expect(fromQuery(query)).toEqual(place);
  });

  it.each(['?view=nothing', '?range=soon', '?range=0m', '?by=label:', '?flow=x', '?hide=drops', '?since=yesterday'])(
    'reads %s as the start',
    (query) => expect(fromQuery(query)).toEqual(START),
  );
});
