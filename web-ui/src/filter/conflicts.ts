// Which flags exclude each other on one side of --not, as the command line refuses them.
import type { Term } from './parse';

const GROUPS: readonly (readonly string[])[] = [
  ...['from', 'to'].flatMap((end) => [
    [
      `${end}-fqdn`,
      `${end}-ip`,
      'ip',
      'fqdn',
      `${end}-namespace`,
      'namespace',
      `${end}-all-namespaces`,
      'all-namespaces',
    ],
    [`${end}-fqdn`, `${end}-ip`, 'ip', 'fqdn', `${end}-pod`, 'pod'],
    [`${end}-pod`, 'namespace', 'all-namespaces'],
    [`${end}-service`, 'namespace', 'all-namespaces'],
    ...['label', 'service', 'port', 'identity', 'workload', 'cluster'].map((flag) => [flag, `${end}-${flag}`]),
  ]),
  ['encrypted', 'unencrypted'],
];

/** Why the term cannot stand with those before it. */
export function conflictOf(before: readonly Term[], term: Term): string | undefined {
  for (const group of GROUPS) {
    if (!group.includes(term.flag)) continue;
    const other = before.find((one) => one.not === term.not && one.flag !== term.flag && group.includes(one.flag));
    if (other) return `it cannot be combined with --${other.flag}`;
  }
  return undefined;
}
