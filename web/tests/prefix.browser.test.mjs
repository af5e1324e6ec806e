// The dashboard behind a proxy that serves it below a path prefix. In a real browser, on both
// databases.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, open } from './support/browser.mjs';
import { prefixed } from './support/proxy.mjs';
import { importSample } from './support/sample.mjs';
import { createDatabase, serve } from './support/server.mjs';
import { until } from './support/until.mjs';

const kinds = (process.env.AGENT_JOBS_TEST_DATABASES ?? 'sqlite,postgres').split(',');

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const rows = (page) => page.locator('.table-body .row');

for (const kind of kinds) {
  describe(`the dashboard on ${kind}`, () => {
    let database;
    let server;
    let failed;

    before(async () => {
      database = createDatabase(kind);
      failed = importSample(database.url).failed;
      server = await serve('serve', database.url);
    });

    after(async () => {
      await server?.stop();
      database?.drop();
    });

    test('under a path prefix', async () => {
      const proxy = await prefixed('/ops/agent-jobs', server.url);
      try {
        for (const path of ['', `jobs/${failed}`, 'configurations']) {
          const { page: there, complaints, close } = await open(browser, proxy.url);
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
      const proxy = await prefixed('/ops/agent-jobs', server.url);
      try {
        for (const query of ['', '?state=failed']) {
          const { page: there, close } = await open(browser, proxy.url);
          await there.goto(`${proxy.url}/ops/agent-jobs${query}`);
          await rows(there).first().waitFor();
          assert.equal(there.url(), `${proxy.url}/ops/agent-jobs/${query}`);
          await there.getByRole('link', { name: 'Agents', exact: true }).click();
          await there.getByRole('heading', { name: 'Agents' }).waitFor();
          assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/agents');
          await close();
        }
        const { page: there, complaints, close } = await open(browser, proxy.url);
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
}
