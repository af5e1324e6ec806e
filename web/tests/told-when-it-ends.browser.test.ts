// How a tab tells what became of a job: its title, its icon, and the browser's notifications; and
// what a page shows before its script has run. In a real browser, on both databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { beforeAll, test } from 'vitest';
import { type Agent, agentAt } from './support/agents';
import { describeOnDatabases, Site } from './support/site';

interface Notified extends NotificationOptions {
  title: string;
  open(): void;
}

declare global {
  var notified: Notified[];
}

/** Keeps what the page notifies of, since a browser without a screen shows none of it. */
function recordNotifications() {
  globalThis.notified = [];
  const RealNotification = globalThis.Notification;
  globalThis.Notification = class extends RealNotification {
    constructor(title: string, options?: NotificationOptions) {
      super(title, options);
      globalThis.notified.push({
        title,
        ...options,
        open: () => this.onclick?.(new Event('click')),
      });
    }
  };
}

describeOnDatabases('a job’s tab', (kind) => {
  const site = new Site(kind);
  let agent: Agent;

  beforeAll(async () => {
    agent = agentAt(site.url);
  });

  const titled = (page: Page, title: string) =>
    page.waitForFunction((expected) => document.title === expected, `${title} · agent-jobs`);
  const icon = (page: Page) => page.locator('link[rel="icon"]').getAttribute('href');

  test('the title and the icon follow the job', async () => {
    const { page, complaints, close } = await site.open();
    const jobId = await agent.queue({ name: 'Leads crawl' });
    await page.goto(site.url);
    await page.locator('.row-link').first().waitFor();
    const own = await icon(page);
    await page.goto(`${site.url}/jobs/${jobId}`);
    await titled(page, 'Leads crawl');
    const attempt = await agent.start(jobId);
    await agent.report(attempt, 1, { progress: { agentPercentCompleted: 42.5 } });
    await titled(page, '42% · Leads crawl');
    const running = await icon(page);
    assert.match(running ?? '', /^data:image\/svg\+xml,/);
    await agent.finish(attempt, 2, 'COMPLETED');
    await titled(page, '✓ Leads crawl');
    assert.notEqual(await icon(page), running);
    await page.getByRole('link', { name: 'agent-jobs: all jobs' }).click();
    await page.waitForFunction(() => document.title.startsWith('Jobs'));
    assert.equal(
      new URL((await icon(page)) ?? '', site.url).href,
      new URL(own ?? '', site.url).href,
    );
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the bell notifies on whatever page the user is', async () => {
    const { page, complaints, close } = await site.open();
    await page.context().grantPermissions(['notifications']);
    await page.addInitScript(recordNotifications);
    const failing = await agent.queue({ name: 'Accounts crawl' });
    const cancelled = await agent.queue({ name: 'Contacts crawl' });
    const attempt = await agent.start(failing);
    const bell = page.getByRole('button', { name: 'Notify me when it ends' });
    for (const id of [failing, cancelled]) {
      await page.goto(`${site.url}/jobs/${id}`);
      await bell.click();
      await page.locator('.job-tools [aria-pressed="true"]').waitFor();
    }
    // Across pages, and a reload.
    await page.goto(`${site.url}/configurations`);
    const notified = (n: number) =>
      page.waitForFunction((count) => globalThis.notified.length === count, n);
    await agent.finish(attempt, 1, 'FAILED', 'no route to host');
    await notified(1);
    await site.ask(
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
    await page.waitForURL(`${site.url}/jobs/${failing}`);
    // It has ended, so there is nothing to wait for.
    await page.getByRole('button', { name: 'Raw JSON' }).waitFor();
    assert.equal(await bell.count(), 0);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a browser that blocks notifications is said', async () => {
    const { page, close } = await site.open();
    await page.addInitScript(() => {
      globalThis.Notification.requestPermission = async () => 'denied';
    });
    await page.goto(`${site.url}/jobs/${await agent.queue({ name: 'Blocked' })}`);
    const bell = page.getByRole('button', { name: 'Notify me when it ends' });
    await bell.click();
    await page.getByText('The browser blocks notifications from this page.').waitFor();
    assert.equal(await bell.getAttribute('aria-pressed'), 'false');
    await close();
  });

  test('before its script has run the page shows its header and rows to come', async () => {
    const { page, close } = await site.open();
    await page.route('**/*.js', (route) => route.abort());
    await page.goto(site.url);
    await page.locator('.brand').waitFor();
    assert.ok((await page.locator('.skeleton-row:visible').count()) > 5);
    await close();
  });

  test('the code of a job’s page is loaded while the pointer is on the list', async () => {
    const { page, close } = await site.open();
    await agent.queue({ name: 'Prefetched' });
    await page.goto(site.url);
    await page.locator('.row-link').first().waitFor();
    const loaded = page.waitForRequest(/assets\/page-.*\.js$/);
    await page.locator('.row-link').first().hover();
    await loaded;
    await close();
  });
});
