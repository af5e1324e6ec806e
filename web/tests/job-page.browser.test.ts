// A job's page at its extremes: long messages, many runs, jobs that wait, that were retried, that
// were cancelled. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { beforeAll, test } from 'vitest';
import { type Agent, agentAt } from './support/agents';
import { describeOnDatabases, Site, type Steps } from './support/site';

describeOnDatabases('a job’s page', (kind) => {
  const site = new Site(kind);
  let agent: Agent;

  beforeAll(async () => {
    agent = agentAt(site.url);
  });

  const run = async (jobId: string, outcome: string, message?: string) => {
    const attempt = await agent.start(jobId);
    await agent.finish(attempt, 1, outcome, message);
    return attempt.runId;
  };

  const retry = (id: string) =>
    site.ask('mutation ($id: UUID!) { retryJobs(input: { jobIds: [$id] }) { matchedCount } }', {
      id,
    });

  const cancel = (id: string) =>
    site.ask(
      `mutation ($id: UUID!) {
          requestCancellation(input: { jobIds: [$id], reason: "wrong tenant" }) { matchedCount }
        }`,
      { id },
    );

  const visit = async (path: string, look: Steps) => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/jobs/${path}`);
    await look(page);
    assert.deepEqual(complaints, []);
    await close();
  };

  test('the other jobs of the same name are a click away', async () => {
    const [first, second] = [
      await agent.queue({ name: 'Nightly & full' }),
      await agent.queue({ name: 'Nightly & full' }),
    ];
    await agent.queue({ name: 'Another' });
    await visit(first, async (page) => {
      await page.getByRole('link', { name: 'All jobs with this name' }).click();
      await page.locator('.table-body .row').nth(1).waitFor();
      const shown = await page
        .locator('.row-link')
        .evaluateAll((all) => all.map((link) => link.getAttribute('href')?.split('/').at(-1)));
      assert.deepEqual(shown.sort(), [first, second].sort());
    });
  });

  test('a stack trace is folded, stands there once, and can be copied', async () => {
    const trace = ['no route to host', ...Array.from({ length: 120 }, (_, n) => `  at f${n}()`)];
    const id = await agent.queue({ name: 'Trace' });
    await run(id, 'FAILED', trace.join('\n'));
    await visit(id, async (page) => {
      const more = page.getByRole('button', { name: 'Show all 121 lines' });
      await more.waitFor();
      assert.equal(await page.getByText('at f119()').filter({ visible: true }).count(), 0);
      assert.equal(await page.locator('.message-text').count(), 1);
      await more.click();
      assert.match(await page.locator('.message-lines').innerText(), /at f119\(\)/);
      await page.getByRole('button', { name: 'Copy message' }).click();
      await page.getByText('Copied message.').waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), trace.join('\n'));
    });
  });

  test('all runs are counted, and a run’s id leads to its job', async () => {
    const id = await agent.queue({ name: 'Runs' });
    let first = '';
    for (let n = 0; n < 53; n += 1) {
      if (n > 0) await retry(id);
      const runId = await run(id, 'FAILED', `attempt ${n + 1}`);
      first ||= runId;
    }
    await visit(id, async (page) => {
      const links = page.locator('.run-link');
      await links.first().waitFor();
      assert.equal(await links.first().innerText(), 'Run 53');
      assert.equal(await links.last().innerText(), 'Run 4');
      await page.getByRole('button', { name: 'Show 3 earlier runs' }).click();
      await page.getByRole('link', { name: 'Run 1', exact: true }).waitFor();
    });
    await visit(first, async (page) => {
      await page.waitForURL(`${site.url}/jobs/${id}?run=${first}`);
      await page.getByText('You are viewing an earlier run.').waitFor();
    });
  });

  test('a retried job waits, and says why its last attempt failed', async () => {
    const id = await agent.queue({ name: 'Retried' });
    await run(id, 'FAILED', 'disk full');
    await retry(id);
    await visit(id, async (page) => {
      await page.locator('.freshness', { hasText: 'Waiting' }).waitFor();
      const banner = page.locator('.banner', { hasText: 'Last attempt failed.' });
      assert.match(await banner.innerText(), /disk full/);
    });
  });

  test('a job that was cancelled before it ran says by whom and why', async () => {
    const id = await agent.queue({ name: 'Cancelled' });
    await cancel(id);
    await visit(id, async (page) => {
      await page.getByRole('heading', { name: 'Cancelled before it ran' }).waitFor();
      await page.locator('.freshness', { hasText: 'Finished' }).waitFor();
      assert.match(
        await page.locator('.banner').innerText(),
        /^Cancelled by operator, .*wrong tenant/s,
      );
    });
  });

  test('an overdue job says since when, and for whom it waits', async () => {
    const id = await agent.queue({
      name: 'Overdue',
      scheduledDate: new Date(Date.now() - 2 * 3_600_000).toISOString(),
    });
    await visit(id, async (page) => {
      await page.locator('.banner', { hasText: 'Due 2 hr ago.' }).waitFor();
    });
  });

  test('all fields are folded until they are opened, and stay so', async () => {
    const id = await agent.queue({ name: 'Fields' });
    await run(id, 'COMPLETED', 'done');
    await visit(id, async (page) => {
      await page.getByText('All fields').waitFor();
      const field = page.getByRole('rowheader', { name: 'agentKey', exact: true });
      assert.equal(await field.isVisible(), false);
      await page.getByText('All fields').click();
      await field.waitFor();
      await page.reload();
      await field.waitFor();
    });
  });
});
