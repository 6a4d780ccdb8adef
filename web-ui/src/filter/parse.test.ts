// The command line's flags are read as it reads them, and printed so that it reads them again.
import { describe, expect, it } from 'vitest';
import { parseFilter, printTerms } from './parse';

const printed: [string, string][] = [
  ['', ''],
  ['--to-label role=db', '--to-label role=db'],
  ['tycho observe --verdict DROPPED --follow --since 5m', '--verdict DROPPED'],
  ['# hubble observe -o json --pod shop/db', '--pod shop/db'],
  ['-n shop -l "role in (a, b)"', "--namespace shop --label 'role in (a, b)'"],
  ['-nshop -4', '--namespace shop --ipv4'],
  ['--to-port=5432 --not --protocol icmp', '--to-port 5432 --not --protocol icmp'],
  ["--rule 'it'\\''s'", "--rule 'it'\\''s'"],
  ['--not -A', '--not --all-namespaces'],
  ['--verdict dropped --verdict AUDIT', '--verdict dropped --verdict AUDIT'],
];

const refused: [string, string][] = [
  ['role=db', 'no flag'],
  ['--to-port 99999', 'number from 0 to 65535'],
  ['--verdict MAYBE', 'FORWARDED'],
  ['--to-label', 'needs a value'],
  ['--not', 'none follows'],
  ['--colour red', 'no such flag'],
  ['--label "a in b"', 'opening parenthesis'],
  ['--ip 10.0.0.0/33', 'address'],
  ['--ip 300.1.1.1', 'address'],
  ['--label a=b --from-label c=d', 'cannot be combined with --label'],
  ['--tcp-flags syn,bang', 'fin, syn'],
  ['--drop-reason-desc 133', 'POLICY_DENIED'],
  ['--identity nobody', 'reserved name'],
  ['--type nonsense', 'policy-verdict'],
];

describe('parseFilter', () => {
  it.each(printed)('reads %j', (text, again) => {
    const filter = parseFilter(text);
    expect(filter.problems).toEqual([]);
    expect(printTerms(filter.terms)).toBe(again);
    expect(parseFilter(again).terms).toEqual(filter.terms);
  });

  it.each(refused)('refuses %j', (text, reason) => {
    const filter = parseFilter(text);
    expect(filter.problems.map((problem) => problem.reason).join()).toContain(reason);
  });

  it('keeps what is right beside what is wrong', () => {
    const filter = parseFilter('--to-port x --verdict AUDIT');
    expect(printTerms(filter.terms)).toBe('--verdict AUDIT');
    expect(filter.problems).toHaveLength(1);
  });
});
