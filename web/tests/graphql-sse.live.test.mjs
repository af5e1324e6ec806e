// Subscriptions as server-sent events, with the package graphql-sse.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-sse';
import { Received } from './support/received.mjs';
import { streams } from './support/streams.mjs';

function data(result) {
  assert.equal(result.errors, undefined);
  return result.data;
}

function connect(service) {
  const client = createClient({ url: service.endpoint });
  const listen = (payload, received) => {
    client.subscribe(payload, received);
    return received;
  };
  return {
    subscribe: (query, variables) => listen({ query, variables }, new Received(data)),
    // This protocol has no other place for errors than a result.
    async refusal(query) {
      const received = listen({ query }, new Received());
      const result = await received.value();
      assert.equal(result.data, undefined);
      assert.equal(await received.end(), undefined);
      return result.errors;
    },
    close: () => client.dispose(),
  };
}

streams('graphql-sse', { doesRetry: true, connect });
