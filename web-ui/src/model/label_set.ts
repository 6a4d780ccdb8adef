// Names of label sets: a short one for people, and a key that means the same on every server.
import type { LabelSetDefinition } from '../gen/tycho/v1/dashboard_pb';
import type { LabelSet } from './series';

/** Keys whose value says best what something is, the best first. */
const TELLING = ['app.kubernetes.io/name', 'k8s-app', 'app', 'role', 'name', 'component', 'run'];

function keyOf(label: string): string {
  const equals = label.indexOf('=');
  const named = equals < 0 ? label : label.slice(0, equals);
  return named.slice(named.indexOf(':') + 1);
}

function valueOf(label: string): string {
  const equals = label.indexOf('=');
  return equals < 0 ? '' : label.slice(equals + 1);
}

/** Labels that say where something is, not what. */
function isPlace(key: string): boolean {
  return key.startsWith('io.kubernetes.pod.namespace') || key.startsWith('io.cilium.k8s.');
}

function ownName(labels: readonly string[], workloads: readonly string[]): string {
  const reserved = labels.filter((label) => label.startsWith('reserved:')).map((label) => keyOf(label));
  const networks = labels.filter((label) => label.startsWith('cidr:')).map((label) => label.slice(5));
  if (networks.length > 0) {
    // Labels of a network have all the networks around it too; the narrowest is meant. Colons of IPv6 are dashes there.
    const length = (text: string) => Number(text.slice(text.lastIndexOf('/') + 1));
    return networks.reduce((a, b) => (length(b) > length(a) ? b : a)).replace(/=$/, '');
  }
  if (reserved.length > 0) return reserved.find((name) => name !== 'unmanaged') ?? reserved[0]!;
  if (workloads.length === 1) return workloads[0]!.slice(workloads[0]!.indexOf('/') + 1);
  for (const key of TELLING) {
    const label = labels.find((one) => keyOf(one) === key);
    if (label && valueOf(label)) return valueOf(label);
  }
  const rest = labels.filter((label) => !isPlace(keyOf(label)));
  return rest
    .slice(0, 2)
    .map((label) => (valueOf(label) ? `${keyOf(label)}=${valueOf(label)}` : keyOf(label)))
    .join(',');
}

/** A short hash: only to tell apart what has the same name. */
function hash(labels: readonly string[]): string {
  let value = 0x811c9dc5;
  for (const label of labels) {
    for (let at = 0; at < label.length; at++) value = Math.imul(value ^ label.charCodeAt(at), 0x01000193);
    value = Math.imul(value ^ 10, 0x01000193);
  }
  return (value >>> 0).toString(36);
}

export function labelSetOf(definition: LabelSetDefinition): LabelSet {
  const { number, labels, namespace, workloads, identities } = definition;
  const own = labels.length === 0 ? 'other' : ownName(labels, workloads) || `identity ${identities[0] ?? number}`;
  const name = namespace && !own.startsWith(`${namespace}/`) ? `${namespace}/${own}` : own;
  const reserved = labels.length === 1 && labels[0]!.startsWith('reserved:');
  // Workloads may be learnt later, so the key is of labels alone.
  const stable = labels.length === 0 ? 'other' : ownName(labels, []) || 'identity';
  const key = reserved || labels.length === 0 ? stable : `${namespace ? `${namespace}/` : ''}${stable}~${hash(labels)}`;
  return { number, key, labels, namespace, workloads, identities, name };
}

/** Makes equal names differ: by the labels that only one of them has, else by number. */
export function tellApart(sets: readonly LabelSet[]): LabelSet[] {
  const named = new Map<string, LabelSet[]>();
  for (const set of sets) named.set(set.name, [...(named.get(set.name) ?? []), set]);
  return sets.map((set) => {
    const same = named.get(set.name)!;
    if (same.length === 1) return set;
    const others = same.filter((one) => one !== set);
    const own = set.labels.find((label) => !others.some((other) => other.labels.includes(label)));
    const mark = own ? `${keyOf(own)}=${valueOf(own)}` : String(set.identities[0] ?? set.number);
    return { ...set, name: `${set.name} (${mark})` };
  });
}
