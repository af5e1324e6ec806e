// The dashboard behind a proxy that serves it below a path prefix. In a real browser, on both
// databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { open } from './support/browser';
import { prefixed } from './support/proxy';
import { importSample } from './support/sample';
import type { Database } from './support/server';
import { describeOnDatabases, Site } from './support/site';
import { until } from './support/until';

const rows = (page: Page) => page.locator('.table-body .row');

describeOnDatabases('the dashboard', (kind) => {
  let failed = '';
  const fill = (database: Database) => {
    failed = importSample(database.url).failed;
  };
  const site = new Site(kind, { fill });

  test('under a path prefix', async () => {
    const proxy = await prefixed('/ops/agent-jobs', site.url);
    try {
      for (const path of ['', `jobs/${failed}`, 'configurations']) {
        const { page: there, complaints, close } = await open(proxy.url);
        await there.goto(`${proxy.url}/ops/agent-jobs/${path}`);
        await there.locator('.row-link, .job-head h1').first().waitFor();
        await until(
          async () => (await there.locator('.live-label').innerText()) === 'Live',
          'a live connection through the proxy',
        );
        await there.getByRole('link', { name: 'Agents', exact: true }).click();
        await there.getByRole('heading', { name: 'Agents' }).waitFor();
        assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/agents');
        assert.deepEqual(complaints, []);
        await close();
      }
    } finally {
      proxy.close();
    }
  });

  test('under a path prefix without its slash', async () => {
    const proxy = await prefixed('/ops/agent-jobs', site.url);
    try {
      for (const query of ['', '?state=failed']) {
        const { page: there, close } = await open(proxy.url);
        await there.goto(`${proxy.url}/ops/agent-jobs${query}`);
        await rows(there).first().waitFor();
        assert.equal(there.url(), `${proxy.url}/ops/agent-jobs/${query}`);
        await there.getByRole('link', { name: 'Agents', exact: true }).click();
        await there.getByRole('heading', { name: 'Agents' }).waitFor();
        assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/agents');
        await close();
      }
      const { page: there, complaints, close } = await open(proxy.url);
      await there.goto(`${proxy.url}/ops/agent-jobs/jobs/${failed}/`);
      await there.locator('.job-head h1').waitFor();
      await there.goto(`${proxy.url}/ops/agent-jobs/graphiql/`);
      await there.locator('.graphiql-container').waitFor();
      assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/graphiql');
      assert.deepEqual(complaints, []);
      await close();
    } finally {
      proxy.close();
    }
  });
});
