// What is typed is told apart, and completed.
import { describe, expect, it } from 'vitest';
import type { LabelSet, Series } from '../model/series';
import { suggestFlags, suggestNames, suggestValues, typingOf } from './suggest';

describe('typingOf', () => {
  it.each([
    ['', { mode: 'any', part: '' }],
    ['db', { mode: 'any', part: 'db' }],
    ['--to', { mode: 'flag', part: 'to', before: '' }],
    ['--port 80 --ver', { mode: 'flag', part: 'ver', before: '--port 80 ' }],
    ['--to-label ', { mode: 'value', flag: 'to-label', not: false, part: '', before: '' }],
    ['--ipv4 --not -l ro', { mode: 'value', flag: 'label', not: true, part: 'ro', before: '--ipv4 ' }],
    ['--ipv4 ', { mode: 'any', part: '' }],
  ])('%j', (text, typing) => expect(typingOf(text)).toEqual(typing));
});

const set = (labels: string[], namespace = ''): LabelSet => ({
  number: 1,
  key: '',
  labels,
  namespace,
  workloads: [],
  identities: [],
  name: '',
});

describe('suggestions', () => {
  it('completes flags', () => {
    const typing = typingOf('--port 80 --verd');
    expect(typing.mode === 'flag' && suggestFlags(typing)[0]).toMatchObject({ input: '--port 80 --verdict ' });
    const ipv4 = typingOf('--not --ipv4');
    expect(ipv4.mode === 'flag' && suggestFlags(ipv4)[0]?.term).toEqual({ flag: 'ipv4', value: '', not: true });
  });

  it('completes values', () => {
    const typing = typingOf('--not --verdict dr');
    expect(typing.mode === 'value' && suggestValues(typing, [])).toEqual([
      { text: 'DROPPED', help: '--not --verdict DROPPED', term: { flag: 'verdict', value: 'DROPPED', not: true } },
    ]);
  });

  it('finds names', () => {
    const series = {
      source: set(['k8s:role=db'], 'shop'),
      destination: set(['reserved:world']),
      port: 80,
      dropReason: '',
    };
    expect(suggestNames([undefined, series as unknown as Series], 'db').map((one) => one.text)).toEqual([
      '--label k8s:role=db',
    ]);
    expect(suggestNames([], '10.0.').map((one) => one.text)).toEqual(['--ip 10.0.']);
  });
});
