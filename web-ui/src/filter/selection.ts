// Terms as the filters of a request: the same allow and deny lists that `tycho observe` sends.
import { create, equals } from '@bufbuild/protobuf';
import { FlowFilterSchema, type FlowFilter } from '../gen/flow/flow_pb';
import { FlowSelectionSchema, type FlowSelection } from '../gen/tycho/v1/dashboard_pb';
import { flagNamed, type Pair } from './flag';
import { emptyPair, type Term } from './parse';

export interface Selection {
  readonly whitelist: readonly FlowFilter[];
  readonly blacklist: readonly FlowFilter[];
  /** --rule, which servers do not know: any of the first, none of the second. */
  readonly rules: readonly string[];
  readonly notRules: readonly string[];
}

/** Prefixes each name without a namespace with each namespace; with no name, any pod of them. */
function qualify(namespaces: readonly string[], pods: string[], services: string[]): void {
  if (namespaces.length === 0) return;
  if (pods.length === 0 && services.length === 0) pods.push('');
  for (const names of [pods, services]) {
    const qualified = names.flatMap((name) =>
      name.includes('/') ? [name] : namespaces.map((namespace) => `${namespace}/${name}`),
    );
    names.splice(0, names.length, ...qualified);
  }
}

function finish(pair: Pair): FlowFilter[] {
  const { source, destination, namespaces } = pair;
  for (const filter of [source, destination]) {
    qualify(namespaces.destination, filter.destinationPod, filter.destinationService);
    qualify(namespaces.source, filter.sourcePod, filter.sourceService);
  }
  qualify(namespaces.either, source.sourcePod, source.sourceService);
  qualify(namespaces.either, destination.destinationPod, destination.destinationService);
  if (equals(FlowFilterSchema, source, destination)) {
    return equals(FlowFilterSchema, source, create(FlowFilterSchema)) ? [] : [source];
  }
  return [source, destination];
}

export function selectionOf(terms: readonly Term[]): Selection {
  const allow = emptyPair();
  const deny = emptyPair();
  for (const term of terms) flagNamed(term.flag)?.apply(term.not ? deny : allow, term.value);
  return { whitelist: finish(allow), blacklist: finish(deny), rules: allow.rules, notRules: deny.rules };
}

/** What is sent; absent if all flows are meant. */
export function messageOf(selection: Selection): FlowSelection {
  return create(FlowSelectionSchema, {
    whitelist: [...selection.whitelist],
    blacklist: [...selection.blacklist],
  });
}
