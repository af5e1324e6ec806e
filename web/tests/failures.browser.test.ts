// The page of failures: groups of failed jobs, their retry and acknowledgement. In a real browser, on both
// databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { agentAt } from './support/agents';
import { checkInBothThemes } from './support/axe';
import { phone } from './support/browser';
import { settled, total } from './support/demo';
import { describeOnDatabases, Site } from './support/site';
import { until } from './support/until';

const groups = (page: Page) => page.locator('.groups tbody tr');
const group = (page: Page, text: string) => groups(page).filter({ hasText: text });
const dialog = (page: Page) => page.getByRole('dialog');

describeOnDatabases('the page of failures', (kind) => {
  const site = new Site(kind);

  /** Runs a job that fails with a message; its id. */
  const fail = async (message: string): Promise<string> => {
    const crawler = agentAt(site.url);
    const jobId = await crawler.queue({ name: 'Crawl' });
    await crawler.finish(await crawler.start(jobId), 1, 'FAILED', message);
    return jobId;
  };

  const isNarrow = (page: Page) =>
    page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);

  test('says that there are none, and appears without a reload once there are', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/failures`);
    await page.getByRole('heading', { name: 'No failures' }).waitFor();
    await checkInBothThemes(page, 'without failures');
    for (const n of [1, 2, 3]) await fail(`no route to host 10.0.0.${n}`);
    await fail('quota exceeded for project 4711');
    await group(page, 'no route to host').waitFor();
    assert.equal(await groups(page).count(), 2);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the number of jobs leads to the list of them, which names the failure', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/failures`);
    const row = group(page, 'no route to host');
    const link = row.getByRole('link', { name: /3 failed jobs/ });
    await link.click();
    await settled(page);
    assert.equal(await total(page), 3);
    assert.match(page.url(), /failure-group-id=/);
    const chip = page.getByRole('button', { name: /Remove filter: Failure: no route to host/ });
    await chip.click();
    await until(async () => (await total(page)) === 4, 'all failed jobs');
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the parameter may be written as the API has it', async () => {
    const { failureGroups } = await site.ask('{ failureGroups(first: 1) { nodes { id } } }');
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/?state=failed&failureGroupId=${failureGroups.nodes[0].id}`);
    await settled(page);
    await page.getByRole('button', { name: /Remove filter: Failure:/ }).waitFor();
    assert.equal(await page.locator('.ignored').count(), 0);
    assert.deepEqual(complaints, []);
    await close();
  });

  test("a failed job's page says how many others failed for the same reason", async () => {
    const jobId = await fail('no route to host 10.0.0.9');
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/jobs/${jobId}`);
    await page.getByRole('link', { name: /^The same failure in 4 jobs since \d/ }).click();
    await settled(page);
    assert.equal(await total(page), 4);
    await page.goto(`${site.url}/failures`);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the order and the search are in the address', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/failures`);
    await groups(page).first().waitFor();
    assert.match(await groups(page).first().innerText(), /no route to host/);
    await page.getByRole('button', { name: 'First seen' }).click();
    await page.locator('th[aria-sort="descending"]', { hasText: 'First seen' }).waitFor();
    await until(
      async () => /quota/.test(await groups(page).first().innerText()),
      'the group that came last',
    );
    assert.match(page.url(), /order=first/);
    await page.getByRole('searchbox', { name: 'Find failures' }).fill('QUOTA');
    await until(async () => (await groups(page).count()) === 1, 'one group');
    await page.reload();
    await groups(page).first().waitFor();
    assert.equal(await groups(page).count(), 1);
    await page.getByRole('searchbox', { name: 'Find failures' }).fill('nothing like it');
    await page.getByRole('heading', { name: 'No failures match' }).waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('is clean for axe in both themes, and fits a phone', async () => {
    const desktop = await site.open();
    await desktop.page.goto(`${site.url}/failures`);
    await groups(desktop.page).first().waitFor();
    await checkInBothThemes(desktop.page, 'failures');
    await desktop.close();
    const narrow = await site.open({ viewport: phone });
    await narrow.page.goto(`${site.url}/failures`);
    await groups(narrow.page).first().waitFor();
    assert.ok(await isNarrow(narrow.page), 'it does not scroll sideways');
    await checkInBothThemes(narrow.page, 'failures on a phone');
    assert.deepEqual([...desktop.complaints, ...narrow.complaints], []);
    await narrow.close();
  });

  test('a group is acknowledged with a note, reopened by hand, and by a new failure', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/failures`);
    const acknowledge = async (note: string) => {
      await group(page, 'quota').getByRole('button', { name: 'Acknowledge…' }).click();
      await dialog(page).getByRole('textbox', { name: 'Note (optional)' }).fill(note);
      await checkInBothThemes(page, 'the dialog');
      await dialog(page).getByRole('button', { name: 'Acknowledge', exact: true }).click();
      await page.getByText('Acknowledged (1)').waitFor();
    };
    await acknowledge('raised with the vendor');
    assert.equal(await group(page, 'quota').count(), 0);
    await page.getByText('Acknowledged (1)').click();
    await group(page, 'raised with the vendor').waitFor();
    await checkInBothThemes(page, 'acknowledged failures');
    await group(page, 'quota').getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Failure reopened.').waitFor();
    await until(async () => (await page.getByText(/^Acknowledged \(/).count()) === 0, 'none');
    await acknowledge('');
    await fail('quota exceeded for project 4712');
    await group(page, 'quota')
      .getByRole('link', { name: /2 failed jobs/ })
      .waitFor();
    await until(async () => (await page.getByText(/^Acknowledged \(/).count()) === 0, 'reopened');
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a group is retried with its exact count and a reason, which its history names', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/failures`);
    await group(page, 'no route to host').getByRole('button', { name: 'Retry…' }).click();
    await dialog(page)
      .getByText(/all failed \(4\) jobs with the failure “no route to host/)
      .waitFor();
    await dialog(page)
      .getByRole('textbox', { name: 'Reason (optional)' })
      .fill('the network is back');
    await dialog(page).getByRole('button', { name: 'Retry 4 jobs' }).click();
    await page.getByText('4 jobs queued for retry.').waitFor();
    await until(async () => (await group(page, 'no route').count()) === 0, 'the group to be gone');
    const { jobs } = await site.ask(
      '{ jobs(state: QUEUED) { items { id history { state message } } } }',
    );
    assert.equal(jobs.items.length, 4);
    for (const { history } of jobs.items) {
      assert.equal(history.at(-1).message, 'the network is back');
    }
    await page.goto(`${site.url}/jobs/${jobs.items[0].id}`);
    await page.locator('.history', { hasText: 'the network is back' }).waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a failure to read them is told, and tried again', async () => {
    const { page, close } = await site.open();
    let isBroken = true;
    await page.route('**/graphql', (route) =>
      isBroken && route.request().postData()?.includes('FailureGroups')
        ? route.fulfill({ json: { errors: [{ message: 'no', extensions: { code: 'INTERNAL' } }] } })
        : route.fallback(),
    );
    await page.goto(`${site.url}/failures`);
    await page.getByRole('heading', { name: 'Something went wrong on the server' }).waitFor();
    isBroken = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await groups(page).first().waitFor();
    await close();
  });
});
