// The connection of a flow as flags: to look at it on the command line, or at what came back.
import { create } from '@bufbuild/protobuf';
import { FlowFilterSchema, type Flow } from '../gen/flow/flow_pb';
import { FlowSelectionSchema, type FlowSelection } from '../gen/tycho/v1/dashboard_pb';
import { parseFilter, printTerms, type Term } from '../filter/parse';
import { quoteWord } from '../filter/words';
import { endsOf, ports } from './flow_text';

export function commandOfFlow(flow: Flow): string {
  return `tycho observe --uuid ${quoteWord(flow.uuid)} -o json`;
}

export function commandOfConnection(flow: Flow): string {
  const { source, destination } = endsOf(flow);
  const { protocol } = ports(flow);
  const terms: Term[] = [
    { flag: 'from-ip', value: source.ip, not: false },
    { flag: 'to-ip', value: destination.ip, not: false },
    ...(protocol ? [{ flag: 'protocol', value: protocol, not: false }] : []),
    ...(destination.port ? [{ flag: 'to-port', value: String(destination.port), not: false }] : []),
  ];
  return `tycho observe ${printTerms(terms)}`;
}

/** The page's filter on the command line; --rule is of this page alone. */
export function commandOfFilter(filter: string, rest: string): string {
  const terms = parseFilter(filter).terms.filter((term) => term.flag !== 'rule');
  return ['tycho observe', printTerms(terms), rest].filter((part) => part !== '').join(' ');
}

/** Flows in the other direction of the same connection. */
export function reverseOf(flow: Flow): FlowSelection {
  const { source, destination } = endsOf(flow);
  const { protocol } = ports(flow);
  const filter = create(FlowFilterSchema, {
    sourceIp: [destination.ip],
    destinationIp: [source.ip],
    protocol: protocol ? [protocol] : [],
    sourcePort: destination.port ? [String(destination.port)] : [],
    destinationPort: source.port ? [String(source.port)] : [],
  });
  return create(FlowSelectionSchema, { whitelist: [filter] });
}
