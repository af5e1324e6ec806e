// Jobs whose agents completed but whose data was lost: marked in the list, and found by a filter. In a
// real browser, on both databases.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { agentAt } from './support/agents.mjs';
import { checkInBothThemes } from './support/axe.mjs';
import { launch, open } from './support/browser.mjs';
import { createDatabase, serve } from './support/server.mjs';

const kinds = (process.env.AGENT_JOBS_TEST_DATABASES ?? 'sqlite,postgres').split(',');

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const kind of kinds) {
  describe(`processing on ${kind}`, () => {
    let database;
    let server;
    before(async () => {
      database = createDatabase(kind);
      server = await serve('serve', database.url);
      const agent = agentAt(server.url);
      for (const [name, state, received] of [
        ['All received', 'COMPLETED', 10],
        ['Failed processing', 'FAILED', null],
        ['Three missing', 'COMPLETED', 7],
      ]) {
        const attempt = await agent.start(await agent.queue({ name }));
        const progress = { agentCluesCount: 10, agentCluesCompletedCount: 10 };
        await agent.report(attempt, 1, { agentState: 'EXECUTING', progress });
        await agent.finish(attempt, 2, 'COMPLETED');
        await agent.reportProcessing(attempt.runId, state, {
          processingTasksReceivedCluesCount: received,
        });
      }
    });
    after(async () => {
      await server?.stop();
      database?.drop();
    });

    test('failed processing and missing clues are marked in the list and have a filter', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      await page.goto(server.url);
      const row = (name) => page.locator('.table-body .row', { hasText: name });
      const only = async (name) => {
        await page.waitForFunction((text) => {
          const links = [...document.querySelectorAll('.row-link')];
          return links.length === 1 && links[0].textContent === text;
        }, name);
      };
      await row('All received').waitFor();
      const marks = page.locator('.table-body .row .mark');
      assert.equal(await marks.count(), 2);
      await page.getByRole('button', { name: /^Processing/ }).click();
      await page.getByRole('button', { name: 'Processing failed', exact: true }).click();
      await only('Failed processing');
      assert.equal(new URL(page.url()).search, '?processing=failed');
      await page.getByRole('button', { name: /^Processing/ }).click();
      await page.getByRole('button', { name: 'Clues missing', exact: true }).click();
      await only('Three missing');
      await checkInBothThemes(page, 'the list with a filter on processing');
      // A link shows the same.
      await page.goto(`${server.url}/?processing=failed`);
      await only('Failed processing');
      assert.deepEqual(complaints, []);
      await close();
    });
  });
}
