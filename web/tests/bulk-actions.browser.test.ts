// Actions on many jobs do what their dialog says, and can be stopped. In a real browser, on both
// databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { beforeAll, test } from 'vitest';
import { checkInBothThemes } from './support/axe';
import { describeOnDatabases, Site } from './support/site';

const rows = (page: Page) => page.locator('.table-body .row');
const selection = (page: Page) => page.getByRole('region', { name: 'Selected jobs' });
const tick = (page: Page, index: number, options: { modifiers?: 'Shift'[] } = {}) =>
  rows(page)
    .nth(index)
    .getByRole('checkbox')
    .click({ force: true, ...options });
/** Whether the browser would ask before the tab is closed. */
const warnsOnLeaving = (page: Page) =>
  page.evaluate(() => {
    const event = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  });

describeOnDatabases('actions on many jobs', (kind) => {
  const site = new Site(kind);
  const agentId = randomUUID();

  beforeAll(async () => {
    await site.ask(
      `mutation ($id: UUID!) { registerAgent(input: { id: $id, name: "crawler" }) {
          refusal { message } } }`,
      { id: agentId },
    );
  });

  /** Queues jobs of a configuration of its own. */
  const queue = async (
    n: number,
    {
      configurationId = randomUUID(),
      ...rest
    }: { configurationId?: string; scheduledDate?: string } = {},
  ) => {
    await site.ask(
      `mutation ($input: SaveConfigurationInput!) {
          saveConfiguration(input: $input) { refusal { message } } }`,
      { input: { id: configurationId, name: 'HubSpot EU' } },
    );
    const ids: string[] = [];
    while (ids.length < n) {
      const names = Array.from({ length: Math.min(n - ids.length, 500) }, (_, i) => `Crawl ${i}`);
      const { queueJobs } = await site.ask(
        `mutation ($jobs: [QueueJobInput!]!) {
            queueJobs(input: $jobs) { results { jobId refusal { message } } } }`,
        { jobs: names.map((name) => ({ configurationId, name, ...rest })) },
      );
      ids.push(...queueJobs.results.map(({ jobId }: { jobId: string }) => jobId));
    }
    return { configurationId, ids };
  };

  const start = async (jobId: string) => {
    const attemptToken = randomUUID();
    const { startJobRun } = await site.ask(
      `mutation ($run: StartJobRunInput!) {
          startJobRun(input: $run) { attempt { runId } refusal { message } } }`,
      { run: { jobId, agentId, attemptToken } },
    );
    return { runId: startJobRun.attempt.runId, attemptToken };
  };

  const end = async (jobId: string, outcome: string) => {
    const attempt = await start(jobId);
    const progress = outcome === 'FAILED' ? { agentResultMessage: 'no route to host' } : null;
    const { finishJobRun } = await site.ask(
      `mutation ($input: FinishJobRunInput!) {
          finishJobRun(input: $input) { result { status } } }`,
      { input: { ...attempt, sequence: 1, outcome, progress } },
    );
    assert.equal(finishJobRun.result.status, 'ACCEPTED');
  };

  const cancel = async (ids: readonly string[]) => {
    for (let at = 0; at < ids.length; at += 1_000) {
      await site.ask(
        'mutation ($ids: [UUID!]) { requestCancellation(input: { jobIds: $ids }) { hasMore } }',
        { ids: ids.slice(at, at + 1_000) },
      );
    }
  };

  const counts = async (id: string) =>
    (
      await site.ask(
        `query ($id: UUID) { jobCounts(configurationId: $id) {
            queued executing failed completed cancelled cancelling } }`,
        { id },
      )
    ).jobCounts;

  /** Opens the list of a configuration's jobs. */
  const list = async (page: Page, configurationId: string, query = '') => {
    await page.goto(`${site.url}/?configuration=${configurationId}${query}`);
    await rows(page).first().waitFor();
  };

  const askForAll = async (page: Page, action: string) => {
    await page.getByRole('button', { name: 'Bulk actions' }).click();
    await page.getByRole('button', { name: `${action} all matching jobs…` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/^(Each job is queued again|Queued jobs are cancelled)/).waitFor();
    return dialog;
  };

  /** Holds back each batch of an action until it is released. */
  const hold = async (page: Page, operation: string) => {
    const waiting: (() => void)[] = [];
    let arrived = () => {};
    await page.route('**/graphql', async (route) => {
      const { operationName, variables } = route.request().postDataJSON();
      if (operationName !== operation || variables.input.dryRun) return route.continue();
      await new Promise<void>((release) => {
        waiting.push(release);
        arrived();
      });
      await route.continue();
    });
    return {
      /** Lets the next batch through, once it has been sent. */
      release: async () => {
        if (waiting.length === 0) {
          await new Promise<void>((resolve) => {
            arrived = resolve;
          });
        }
        waiting.shift()?.();
      },
    };
  };

  test('an action on 1,500 jobs is stopped after the batch that was sent, and says what was done', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId, ids } = await queue(1_500);
    await cancel(ids);
    await list(page, configurationId, '&state=cancelled');
    const batches = await hold(page, 'RetryJobs');
    const dialog = await askForAll(page, 'Retry');
    const confirm = dialog.getByRole('button', { name: 'Retry 1,500 jobs' });
    assert.equal(await confirm.getAttribute('aria-disabled'), 'true');
    await dialog.getByLabel('Type 1,500 to confirm').fill('1500');
    await confirm.click();
    await batches.release();
    await dialog.getByText('200 of 1,500 done…').waitFor();
    await dialog.getByRole('button', { name: 'Stop' }).click();
    await dialog.getByRole('heading', { name: 'Stopping after this batch…' }).waitFor();
    await batches.release();
    await dialog.getByRole('heading', { name: 'Stopped' }).waitFor();
    await dialog.getByText('400 jobs queued for retry.').waitFor();
    await dialog.getByText('1,100 not started.').waitFor();
    const { queued, cancelled } = await counts(configurationId);
    assert.deepEqual({ queued, cancelled }, { queued: 400, cancelled: 1_100 });
    await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
    await page.getByText('1,100 jobs').waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('an action whose dialog is closed goes on in view of every page, one at a time', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId } = await queue(450);
    await list(page, configurationId);
    const batches = await hold(page, 'RequestCancellation');
    const dialog = await askForAll(page, 'Cancel');
    await dialog.getByLabel('Reason (optional)').fill('wrong source');
    await dialog.getByRole('button', { name: 'Cancel 450 jobs' }).click();
    await dialog.getByText('0 of 450 done…').waitFor();
    await page.keyboard.press('Escape');
    const card = page.getByRole('region', { name: 'Bulk actions' });
    await card.getByText('0 of 450 done…').waitFor();
    await page.getByRole('status').getByText('Cancelling jobs').waitFor();
    const other = await askForAll(page, 'Cancel');
    await other.getByText('Another bulk action is in progress.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.waitForURL(/\/agents$/);
    await batches.release();
    await card.getByText('200 of 450 done…').waitFor();
    await checkInBothThemes(page, 'the card');
    assert.ok(await warnsOnLeaving(page));
    await batches.release();
    await batches.release();
    await card.getByText('Finished', { exact: true }).waitFor();
    await card.getByText('Cancellation requested for 450 jobs.').waitFor();
    assert.ok(!(await warnsOnLeaving(page)));
    assert.equal((await counts(configurationId)).cancelled, 450);
    await card.getByRole('button', { name: 'Dismiss' }).click();
    await card.waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
    await close();
  });

  test('jobs that fail after they were counted are not retried', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId, ids } = await queue(6);
    for (const id of ids.slice(0, 3)) await end(id, 'FAILED');
    await list(page, configurationId);
    const dialog = await askForAll(page, 'Retry');
    await dialog.getByText('all failed (3) jobs of HubSpot EU').waitFor();
    await dialog.getByText('3 skipped: not finished yet.').waitFor();
    for (const id of ids.slice(3, 5)) await end(id, 'FAILED');
    await dialog.getByRole('button', { name: 'Retry 3 jobs' }).click();
    await page.getByText('3 jobs queued for retry.').waitFor();
    const { queued, failed } = await counts(configurationId);
    assert.deepEqual({ queued, failed }, { queued: 4, failed: 2 });
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a retry takes cancelled and completed jobs only where they are ticked', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId, ids } = await queue(6);
    await end(ids[0], 'FAILED');
    for (const id of ids.slice(1, 3)) await end(id, 'COMPLETED');
    await cancel(ids.slice(3));
    await list(page, configurationId);
    const dialog = await askForAll(page, 'Retry');
    const main = dialog.getByRole('button', { name: /^Retry \d/ });
    assert.equal(await main.innerText(), 'Retry 1 job');
    assert.ok(await main.evaluate((button) => button === document.activeElement));
    await dialog.getByRole('checkbox', { name: 'Cancelled 3' }).check();
    assert.equal(await main.innerText(), 'Retry 4 jobs');
    await dialog.getByRole('checkbox', { name: 'Completed 2' }).check();
    await dialog.getByText('all failed (1), completed (2) and cancelled (3) jobs').waitFor();
    assert.equal(await main.getAttribute('aria-disabled'), 'true', 'the number must be typed');
    await checkInBothThemes(page, 'the dialog');
    await dialog.getByLabel('Type 6 to confirm').fill('6');
    await main.click();
    await page.getByText('6 jobs queued for retry.').waitFor();
    assert.equal((await counts(configurationId)).queued, 6);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('queued jobs are cancelled and scheduled ones left alone', async () => {
    const { page, close } = await site.open();
    const { configurationId } = await queue(3);
    await queue(2, { configurationId, scheduledDate: '2100-01-01T00:00:00Z' });
    await list(page, configurationId);
    const dialog = await askForAll(page, 'Cancel');
    await dialog.getByRole('checkbox', { name: 'Scheduled 2' }).uncheck();
    await dialog.getByRole('button', { name: 'Cancel 3 jobs' }).click();
    await page.getByText('Cancellation requested for 3 jobs.').waitFor();
    const { queued, cancelled } = await counts(configurationId);
    assert.deepEqual({ queued, cancelled }, { queued: 2, cancelled: 3 });
    await close();
  });

  test('of selected jobs only those are sent that can be retried', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId, ids } = await queue(5);
    for (const id of ids.slice(0, 2)) await end(id, 'FAILED');
    await list(page, configurationId);
    const sent = page.waitForRequest(
      (request) => request.postDataJSON()?.operationName === 'RetryJobs',
    );
    await page.getByRole('checkbox', { name: 'Select all jobs on this page' }).check();
    await selection(page).getByRole('button', { name: 'Retry…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('2 of 5 selected jobs can be retried.').waitFor();
    await dialog.getByText('3 skipped: not finished yet.').waitFor();
    // A look at the dialog keeps the selection.
    await page.keyboard.press('Escape');
    await selection(page).getByText('5 selected').waitFor();
    await selection(page).getByRole('button', { name: 'Retry…' }).click();
    await dialog.getByRole('button', { name: 'Retry 2 jobs' }).click();
    await page.getByText('2 jobs queued for retry.').waitFor();
    assert.deepEqual(
      (await sent).postDataJSON().variables.input.jobIds.sort(),
      ids.slice(0, 2).sort(),
    );
    await selection(page).waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a job that changed behind the list is reported as skipped, with the reason', async () => {
    const { page, close } = await site.open();
    const { configurationId, ids } = await queue(2);
    await list(page, configurationId);
    await page.getByRole('checkbox', { name: 'Select all jobs on this page' }).check();
    await selection(page).getByRole('button', { name: 'Cancel…' }).click();
    const dialog = page.getByRole('dialog');
    const reason = dialog.getByLabel('Reason (optional)');
    assert.ok(await reason.evaluate((input) => input === document.activeElement));
    await end(ids[0], 'COMPLETED');
    await dialog.getByRole('button', { name: 'Cancel 2 jobs' }).click();
    await dialog.getByText('Cancellation requested for 1 job.').waitFor();
    await dialog.getByText('1 skipped: already finished (ALREADY_FINISHED).').waitFor();
    await close();
  });

  test('an error on the way says how many were done, and resuming does the rest', async () => {
    const { page, close } = await site.open();
    const { configurationId } = await queue(450);
    await list(page, configurationId);
    let n = 0;
    await page.route('**/graphql', (route) => {
      const { operationName, variables } = route.request().postDataJSON();
      if (operationName !== 'RequestCancellation' || variables.input.dryRun) {
        return route.continue();
      }
      n += 1;
      return n === 2 ? route.abort() : route.continue();
    });
    const dialog = await askForAll(page, 'Cancel');
    await dialog.getByRole('button', { name: 'Cancel 450 jobs' }).click();
    await dialog.getByRole('heading', { name: 'Interrupted by an error' }).waitFor();
    await dialog.getByText('Cancellation requested for 200 jobs.').waitFor();
    await dialog.getByText('250 not started.').waitFor();
    assert.equal((await counts(configurationId)).cancelled, 200);
    await dialog.getByRole('button', { name: 'Resume' }).click();
    await dialog.getByRole('heading', { name: 'Finished' }).waitFor();
    assert.equal((await counts(configurationId)).cancelled, 450);
    await close();
  });

  test('a selection says what it holds on other pages, and ends with another filter', async () => {
    const { page, complaints, close } = await site.open();
    const { configurationId } = await queue(40);
    await list(page, configurationId, '&size=25');
    await tick(page, 1);
    await tick(page, 4, { modifiers: ['Shift'] });
    await selection(page).getByText('4 selected').waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await selection(page).getByText('4 of them on other pages').waitFor();
    await tick(page, 0);
    await selection(page).getByText('5 selected').waitFor();
    await selection(page).getByRole('button', { name: 'Clear those' }).click();
    await selection(page).getByText('1 selected').waitFor();
    await page.keyboard.press('Escape');
    await selection(page).waitFor({ state: 'detached' });
    await tick(page, 0);
    await selection(page).getByText('1 selected').waitFor();
    await page.goto(`${site.url}/?configuration=${configurationId}&state=queued`);
    await rows(page).first().waitFor();
    await tick(page, 0);
    await page
      .getByRole('navigation', { name: 'Job state' })
      .getByRole('button', { name: 'All' })
      .click();
    await selection(page).waitFor({ state: 'detached' });
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a button that cannot be used says why, and the dialog of one job names it', async () => {
    const { page, complaints, close } = await site.open();
    const { ids } = await queue(1);
    await page.goto(`${site.url}/jobs/${ids[0]}`);
    const retry = page.getByRole('button', { name: 'Retry…' });
    await retry.focus();
    await page.getByRole('tooltip', { name: 'Only finished jobs can be retried.' }).waitFor();
    await checkInBothThemes(page, 'the reason');
    await page.keyboard.press('Enter');
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.getByRole('button', { name: 'Cancel…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel Crawl 0?' });
    await dialog.getByText('HubSpot EU').waitFor();
    await page.keyboard.press('Escape');
    await page.goto(`${site.url}/?state=queued`);
    await rows(page)
      .first()
      .getByRole('button', { name: /^Actions for/ })
      .click();
    const item = page.getByRole('menuitem', { name: 'Retry…' });
    await item.getByText('Only finished jobs can be retried.').waitFor();
    assert.equal(await item.getAttribute('aria-disabled'), 'true');
    assert.deepEqual(complaints, []);
    await close();
  });
});
