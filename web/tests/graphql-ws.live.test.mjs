// Subscriptions over WebSocket, with the package graphql-ws.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { Received } from './support/received.mjs';
import { streams } from './support/streams.mjs';

function data(result) {
  assert.equal(result.errors, undefined);
  return result.data;
}

function connect(service) {
  const client = createClient({ url: service.socketEndpoint, webSocketImpl: WebSocket });
  const listen = (payload, received) => {
    client.subscribe(payload, received);
    return received;
  };
  return {
    subscribe: (query, variables) => listen({ query, variables }, new Received(data)),
    // A message of the type `error`, which ends the operation.
    refusal: (query) => listen({ query }, new Received()).end(),
    close: () => client.dispose(),
  };
}

streams('graphql-ws', { doesRetry: true, connect });
