// How a tab tells what became of a job: its title, its icon, and the browser's notifications; and
// what a page shows before its script has run. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { launch, open } from './support/browser.mjs';
import { ask, createDatabase, serve } from './support/server.mjs';

const kinds = (process.env.AGENT_JOBS_TEST_DATABASES ?? 'sqlite,postgres').split(',');

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Keeps what the page notifies of, since a browser without a screen shows none of it. */
function recordNotifications() {
  globalThis.notified = [];
  const RealNotification = globalThis.Notification;
  globalThis.Notification = class extends RealNotification {
    constructor(title, options) {
      super(title, options);
      globalThis.notified.push({ title, ...options, open: () => this.onclick() });
    }
  };
}

for (const kind of kinds) {
  describe(`a job's tab on ${kind}`, () => {
    let database;
    let server;

    before(async () => {
      database = createDatabase(kind);
      server = await serve('serve', database.url);
    });

    after(async () => {
      await server?.stop();
      database?.drop();
    });

    const configurationId = randomUUID();

    const queue = async (name) => {
      const { queueJobs } = await ask(
        server.url,
        `mutation ($configuration: SaveConfigurationInput!, $jobs: [QueueJobInput!]!) {
          saveConfiguration(input: $configuration) { refusal { message } }
          queueJobs(input: $jobs) { results { job { id } } }
        }`,
        {
          configuration: { id: configurationId, name: 'HubSpot EU' },
          jobs: [{ configurationId, name }],
        },
      );
      return queueJobs.results[0].job.id;
    };

    const start = async (jobId) => {
      const [agentId, attemptToken] = [randomUUID(), randomUUID()];
      const { startJobRun } = await ask(
        server.url,
        `mutation ($agent: RegisterAgentInput!, $run: StartJobRunInput!) {
          registerAgent(input: $agent) { refusal { message } }
          startJobRun(input: $run) { attempt { runId } refusal { message } }
        }`,
        {
          agent: { id: agentId, name: 'crawler' },
          run: { jobId, agentId, attemptToken },
        },
      );
      return { runId: startJobRun.attempt.runId, attemptToken };
    };

    const report = (attempt, sequence, rest) =>
      ask(
        server.url,
        `mutation ($reports: [JobRunReportInput!]!) {
          reportJobRuns(reports: $reports) { results { status } }
        }`,
        { reports: [{ ...attempt, sequence, ...rest }] },
      );

    const finish = (attempt, sequence, rest) =>
      ask(
        server.url,
        `mutation ($input: FinishJobRunInput!) {
          finishJobRun(input: $input) { result { status refusal { message } } }
        }`,
        { input: { ...attempt, sequence, ...rest } },
      );

    const titled = (page, title) =>
      page.waitForFunction((expected) => document.title === expected, `${title} · agent-jobs`);
    const icon = (page) => page.locator('link[rel="icon"]').getAttribute('href');

    test('the title and the icon follow the job', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      const jobId = await queue('Leads crawl');
      await page.goto(server.url);
      await page.locator('.row-link').first().waitFor();
      const own = await icon(page);
      await page.goto(`${server.url}/jobs/${jobId}`);
      await titled(page, 'Leads crawl');
      const attempt = await start(jobId);
      await report(attempt, 1, { progress: { agentPercentCompleted: 42.5 } });
      await titled(page, '42% · Leads crawl');
      const running = await icon(page);
      assert.match(running, /^data:image\/svg\+xml,/);
      await finish(attempt, 2, { outcome: 'COMPLETED' });
      await titled(page, '✓ Leads crawl');
      assert.notEqual(await icon(page), running);
      await page.getByRole('link', { name: 'agent-jobs: all jobs' }).click();
      await page.waitForFunction(() => document.title.startsWith('Jobs'));
      assert.equal(new URL(await icon(page), server.url).href, new URL(own, server.url).href);
      assert.deepEqual(complaints, []);
      await close();
    });

    test('the bell notifies on whatever page the user is', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      await page.context().grantPermissions(['notifications']);
      await page.addInitScript(recordNotifications);
      const failing = await queue('Accounts crawl');
      const cancelled = await queue('Contacts crawl');
      const attempt = await start(failing);
      const bell = page.getByRole('button', { name: 'Notify me when it ends' });
      for (const id of [failing, cancelled]) {
        await page.goto(`${server.url}/jobs/${id}`);
        await bell.click();
        await page.locator('.job-tools [aria-pressed="true"]').waitFor();
      }
      // Across pages, and a reload.
      await page.goto(`${server.url}/configurations`);
      const notified = (n) =>
        page.waitForFunction((count) => globalThis.notified.length === count, n);
      await finish(attempt, 1, {
        outcome: 'FAILED',
        progress: { agentResultMessage: 'no route to host' },
      });
      await notified(1);
      await ask(
        server.url,
        'mutation ($id: UUID!) { requestCancellation(input: { jobIds: [$id] }) { matchedCount } }',
        { id: cancelled },
      );
      await notified(2);
      const told = await page.evaluate(() =>
        globalThis.notified.map(({ title, body, tag }) => ({ title, body, tag })),
      );
      assert.deepEqual(told, [
        { title: 'Accounts crawl', body: 'Failed', tag: failing },
        { title: 'Contacts crawl', body: 'Cancelled', tag: cancelled },
      ]);
      await page.evaluate(() => globalThis.notified[0].open());
      await page.waitForURL(`${server.url}/jobs/${failing}`);
      // It has ended, so there is nothing to wait for.
      await page.getByRole('button', { name: 'Raw JSON' }).waitFor();
      assert.equal(await bell.count(), 0);
      assert.deepEqual(complaints, []);
      await close();
    });

    test('a browser that blocks notifications is said', async () => {
      const { page, close } = await open(browser, server.url);
      await page.addInitScript(() => {
        globalThis.Notification.requestPermission = async () => 'denied';
      });
      await page.goto(`${server.url}/jobs/${await queue('Blocked')}`);
      const bell = page.getByRole('button', { name: 'Notify me when it ends' });
      await bell.click();
      await page.getByText('The browser blocks notifications from this page.').waitFor();
      assert.equal(await bell.getAttribute('aria-pressed'), 'false');
      await close();
    });

    test('before its script has run the page shows its header and rows to come', async () => {
      const { page, close } = await open(browser, server.url);
      await page.route('**/*.js', (route) => route.abort());
      await page.goto(server.url);
      await page.locator('.brand').waitFor();
      assert.ok((await page.locator('.skeleton-row:visible').count()) > 5);
      await close();
    });

    test('the code of a job’s page is loaded while the pointer is on the list', async () => {
      const { page, close } = await open(browser, server.url);
      await queue('Prefetched');
      await page.goto(server.url);
      await page.locator('.row-link').first().waitFor();
      const loaded = page.waitForRequest(/assets\/page-.*\.js$/);
      await page.locator('.row-link').first().hover();
      await loaded;
      await close();
    });
  });
}
