// Queries, mutations and their errors with clients that also accept streams, or other forms, of the
// same answer.
import assert from 'node:assert/strict';
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Received } from './support/received.mjs';
import { databases, Service } from './support/service';

const QUERY = '{ jobCounts { total } }';
const INVALID = '{ nothing }';
const WRONG_VARIABLE =
  'query ($after: DateTime) { jobs(filter: { createdAfter: $after }) { page } }';
const MUTATION = 'mutation { registerAgent(input: { name: "Crawler" }) { agent { name } } }';
const SUBSCRIPTION = 'subscription { jobCounts { total } }';

const JSON_TYPE = /^application\/(graphql-response\+)?json; charset=utf-8$/;

/** A fetch that notes the media types of answers. */
function noting(types, fetch = globalThis.fetch) {
  return async (url, options) => {
    const response = await fetch(url, options);
    types.push(response.headers.get('content-type'));
    return response;
  };
}

/** What fetch is in React Native: it has no body to be read piece by piece. */
async function withoutStreams(url, options) {
  const response = await globalThis.fetch(url, options);
  const text = await response.text();
  return {
    status: response.status,
    statusText: response.statusText,
    ok: response.ok,
    headers: response.headers,
    text: async () => text,
    json: async () => JSON.parse(text),
  };
}

function urql(fetch, preferGetMethod = false) {
  return (url, types) => {
    const client = new Client({
      url,
      exchanges: [fetchExchange],
      preferGetMethod,
      fetchSubscriptions: true,
      fetch: noting(types, fetch),
    });
    const result = ({ data, error }) => ({ data, errors: error?.graphQLErrors });
    return {
      query: async (text, variables) => result(await client.query(text, variables ?? {})),
      mutate: async (text) => result(await client.mutation(text, {})),
      subscribe(text, received) {
        const { unsubscribe } = client.subscription(text, {}).subscribe(received.next);
        return unsubscribe;
      },
    };
  };
}

function graphqlRequest(url, types) {
  const client = new GraphQLClient(url, { fetch: noting(types) });
  const send = async (text, variables) => {
    try {
      return await client.rawRequest(text, variables);
    } catch (error) {
      return error.response;
    }
  };
  return { query: send, mutate: send };
}

function apollo(url, types) {
  const link = new HttpLink({ uri: url, fetch: noting(types) });
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  // Apollo's cache asks for the type of everything.
  const plain = (data) =>
    JSON.parse(JSON.stringify(data ?? null), (key, value) =>
      key === '__typename' ? undefined : value,
    );
  const result = ({ data, error }) => ({
    data: plain(data),
    errors: CombinedGraphQLErrors.is(error) ? error.errors : undefined,
  });
  const options = { errorPolicy: 'all', fetchPolicy: 'no-cache' };
  return {
    query: async (text, variables) =>
      result(await client.query({ query: gql(text), variables, ...options })),
    mutate: async (text) => result(await client.mutate({ mutation: gql(text), ...options })),
  };
}

const clients = {
  urql: urql(),
  'urql with GET': urql(undefined, 'force'),
  'urql without streams': urql(withoutStreams),
  'graphql-request': graphqlRequest,
  'Apollo Client': apollo,
};

for (const database of databases) {
  describe(`clients on ${database}`, () => {
    let service;
    beforeAll(async () => {
      service = await Service.start(database);
    });
    afterAll(() => service?.stop());

    for (const [name, connect] of Object.entries(clients)) {
      test(`${name}: answers and errors are JSON`, async () => {
        const types = [];
        const client = connect(service.endpoint, types);

        const { data, errors } = await client.query(QUERY);
        assert.equal(errors, undefined);
        assert.deepEqual(data, { jobCounts: { total: 0 } });

        const invalid = await client.query(INVALID);
        assert.equal(invalid.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');

        const wrong = await client.query(WRONG_VARIABLE, { after: '2026-05-01' });
        assert.deepEqual(wrong.errors[0].extensions, { code: 'BAD_USER_INPUT', variable: 'after' });

        const changed = await client.mutate(MUTATION);
        assert.deepEqual(changed.data, { registerAgent: { agent: { name: 'Crawler' } } });

        assert.equal(types.length, 4);
        for (const type of types) assert.match(type, JSON_TYPE);
      });
    }

    test('urql: subscriptions come as event streams', async () => {
      const types = [];
      const received = new Received(({ data }) => data);
      const stop = urql()(service.endpoint, types).subscribe(SUBSCRIPTION, received);
      assert.deepEqual(await received.value(), { jobCounts: { total: 0 } });
      stop();
      assert.deepEqual(types, ['text/event-stream; charset=utf-8']);
    });
  });
}
