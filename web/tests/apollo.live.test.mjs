// Subscriptions with Apollo Client: over WebSocket, and as multipart over HTTP.
import assert from 'node:assert/strict';
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { Received } from './support/received.mjs';
import { streams } from './support/streams.mjs';

// To tell a lost connection, Apollo looks at the global that browsers have.
globalThis.WebSocket ??= WebSocket;

function data(result) {
  assert.equal(result.error, undefined);
  // Apollo's cache asks for the type of everything.
  return JSON.parse(JSON.stringify(result.data), (key, value) =>
    key === '__typename' ? undefined : value,
  );
}

function over(link, close = () => {}) {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  const open = [];
  const listen = (query, variables, received) => {
    // Otherwise who asks for what is already watched sees nothing until it changes.
    const context = { queryDeduplication: false };
    open.push(client.subscribe({ query: gql(query), variables, context }).subscribe(received));
    return received;
  };
  return {
    subscribe: (query, variables) => listen(query, variables, new Received(data)),
    async refusal(query) {
      const { error } = await listen(query, {}, new Received()).value();
      assert.ok(CombinedGraphQLErrors.is(error), String(error));
      return error.errors;
    },
    async close() {
      for (const subscription of open) subscription.unsubscribe();
      client.stop();
      await close();
    },
  };
}

streams("Apollo Client's GraphQLWsLink", {
  doesRetry: true,
  connect(service) {
    const socket = createClient({ url: service.socketEndpoint, webSocketImpl: WebSocket });
    return over(new GraphQLWsLink(socket), () => socket.dispose());
  },
});

streams("Apollo Client's HttpLink", {
  doesRetry: false,
  connect: (service) => over(new HttpLink({ uri: service.endpoint })),
});
