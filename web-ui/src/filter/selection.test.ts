// Requests are the same as the command line's for the same flags.
import { describe, expect, it } from 'vitest';
import { toJson } from '@bufbuild/protobuf';
import { FlowSelectionSchema } from '../gen/tycho/v1/dashboard_pb';
import { hasTerm, onlyTerm, withoutTerm, withTerms } from './change';
import { parseFilter } from './parse';
import { messageOf, selectionOf } from './selection';

const cases: [string, unknown][] = [
  ['', {}],
  ['--rule x', {}],
  ['--verdict DROPPED --verdict AUDIT', { whitelist: [{ verdict: ['DROPPED', 'AUDIT'] }] }],
  ['--label a=b', { whitelist: [{ sourceLabel: ['a=b'] }, { destinationLabel: ['a=b'] }] }],
  ['--not --to-port 53', { blacklist: [{ destinationPort: ['53'] }] }],
  ['--namespace shop', { whitelist: [{ sourcePod: ['shop/'] }, { destinationPod: ['shop/'] }] }],
  ['--from-namespace a --from-namespace b --from-pod x', { whitelist: [{ sourcePod: ['a/x', 'b/x'] }] }],
  [
    '--workload job',
    { whitelist: [{ sourceWorkload: [{ kind: 'job' }] }, { destinationWorkload: [{ kind: 'job' }] }] },
  ],
  ['--tcp-flags syn,ack', { whitelist: [{ tcpFlags: [{ SYN: true, ACK: true }] }] }],
  ['--type trace:to-endpoint', { whitelist: [{ eventType: [{ type: 4, matchSubType: true }] }] }],
  ['--identity world', { whitelist: [{ sourceIdentity: [2] }, { destinationIdentity: [2] }] }],
];

describe('selectionOf', () => {
  it.each(cases)('%s', (text, json) => {
    const filter = parseFilter(text);
    expect(filter.problems).toEqual([]);
    expect(toJson(FlowSelectionSchema, messageOf(selectionOf(filter.terms)))).toEqual(json);
  });
});

describe('changes', () => {
  const drop = { flag: 'verdict', value: 'DROPPED', not: false };
  it('includes, turns round and takes out', () => {
    expect(withTerms('--port 80', [drop])).toBe('--port 80 --verdict DROPPED');
    expect(withTerms('--verdict DROPPED', [{ ...drop, not: true }])).toBe('--not --verdict DROPPED');
    expect(withoutTerm('--port 80 --verdict DROPPED', drop)).toBe('--port 80');
    expect(onlyTerm('--verdict AUDIT --port 80', drop)).toBe('--port 80 --verdict DROPPED');
    expect(hasTerm(parseFilter('--verdict DROPPED').terms, drop)).toBe(true);
  });
});
