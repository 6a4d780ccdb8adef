// Endpoints of all nodes as rows, held against the filter as far as an endpoint can be.
import { EndpointState, Enforcement, type Endpoint } from '../../gen/tycho/v1/endpoints_pb';
import type { GetAllEndpointsResponse } from '../../gen/tycho/v1/dashboard_pb';

export interface EndpointRow {
  readonly key: string;
  readonly node: string;
  readonly name: string;
  readonly endpoint: Endpoint;
}

export function endpointRows(answer: GetAllEndpointsResponse): EndpointRow[] {
  return answer.nodes.flatMap(({ nodeName, endpoints }) =>
    endpoints.map((endpoint) => ({
      key: `${nodeName} ${endpoint.number}`,
      node: nodeName,
      name: endpoint.namespace ? `${endpoint.namespace}/${endpoint.name}` : endpoint.name,
      endpoint,
    })),
  );
}

export const STATE_WORDS: Readonly<Record<EndpointState, string>> = {
  [EndpointState.ENDPOINT_STATE_UNSPECIFIED]: 'unknown',
  [EndpointState.WAITING_FOR_IDENTITY]: 'waiting for identity',
  [EndpointState.WAITING_FOR_INTERFACE]: 'waiting for interface',
  [EndpointState.PARTLY_OBSERVED]: 'partly observed',
  [EndpointState.READY]: 'ready',
  [EndpointState.DISCONNECTING]: 'disconnecting',
};

export const ENFORCEMENT_WORDS: Readonly<Record<Enforcement, string>> = {
  [Enforcement.UNSPECIFIED]: '–',
  [Enforcement.DISABLED]: 'passes all',
  [Enforcement.ENABLED]: 'enforced',
  [Enforcement.AUDIT]: 'audited',
};

/** Any part of name, label, address, node or workload. */
export function endpointMatches({ name, node, endpoint }: EndpointRow, part: string): boolean {
  const wanted = part.toLowerCase();
  const texts = [
    name,
    node,
    endpoint.workload,
    String(endpoint.identity),
    ...endpoint.labels,
    ...endpoint.ipv4,
    ...endpoint.ipv6,
  ];
  return texts.some((text) => text.toLowerCase().includes(wanted));
}
