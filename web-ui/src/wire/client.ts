// The connection to the server that served the page: gRPC-web, below the page's base.
import { createClient, type Client } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import { Dashboard } from '../gen/tycho/v1/dashboard_pb';

function connect(): Client<typeof Dashboard> {
  const baseUrl = new URL('.', document.baseURI).href.replace(/\/$/, '');
  return createClient(Dashboard, createGrpcWebTransport({ baseUrl }));
}

let client: Client<typeof Dashboard> | undefined;

export function dashboard(): Client<typeof Dashboard> {
  client ??= connect();
  return client;
}
