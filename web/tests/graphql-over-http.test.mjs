// The audits of graphql-http, by which implementations of GraphQL over HTTP are compared.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAudits } from 'graphql-http';

const address = process.env.AGENT_JOBS_URL;
if (!address) throw new Error('Set AGENT_JOBS_URL to the address of a running server.');

const audits = serverAudits({ url: new URL('graphql', `${address}/`).href });

test('there are as many audits as are known', () => assert.equal(audits.length, 61));

for (const { id, name, fn } of audits) {
  test(`${id} ${name}`, async () => {
    const { status, reason } = await fn();
    // The others, "warn" and "notice", are for what is optional. It passes all the same.
    assert.equal(status, 'ok', reason);
  });
}
