// The dashboard while agents work: by WebSocket, by server-sent events, by polling, and without a
// server. In a real browser, on both databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { type Answer, simulate } from './support/server';
import { describeOnDatabases, Site } from './support/site';
import { until } from './support/until';

describeOnDatabases('the dashboard while agents work', (kind) => {
  const site = new Site(kind);
  let stopAgents: (() => Promise<void>) | undefined;

  beforeAll(() => {
    stopAgents = simulate(site.url, [
      '--agents',
      '5',
      '--runs',
      '4',
      '--speed',
      '1',
      '--vanish',
      '0',
    ]);
  });

  afterAll(() => stopAgents?.());

  /** An executing job, as the first row of the list shows it. */
  async function watchRows(page: Page) {
    await page.goto(`${site.url}/?state=executing`);
    await page.locator('.row').nth(1).waitFor();
    const seen = new Set();
    await until(async () => {
      seen.add((await page.locator('[data-column="progress"]').allInnerTexts()).join());
      return seen.size > 3;
    }, 'rows that change in place');
  }

  async function watchDetail(page: Page) {
    const { executingJobs } = await site.ask(
      '{ executingJobs { id currentRun { estimatedRemaining } } }',
    );
    // One that goes on for as long as it is looked at.
    const left = ({ currentRun: run }: Answer): number => run?.estimatedRemaining ?? 0;
    const [job] = executingJobs.toSorted((a: Answer, b: Answer) => left(b) - left(a));
    await page.goto(`${site.url}/jobs/${job.id}`);
    await page.getByText('All fields').click();
    await page.locator('.field-table').first().waitFor();
    const seen = new Set();
    await until(async () => {
      const row = page.locator('.field-table tr', { hasText: 'updateDate' }).first();
      seen.add(await row.locator('td').first().innerText());
      return seen.size > 3;
    }, 'a run that changes');
  }

  const label = (page: Page) => page.locator('.live-label').innerText();

  test('rows and a job’s page change by themselves, and can be held still', async () => {
    const { page, complaints, close } = await site.open();
    await watchRows(page);
    assert.equal(await label(page), 'Live');
    await page.locator('.live.is-socket').waitFor();
    await watchDetail(page);
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await page.locator('.live.is-paused').waitFor();
    const text = () => page.locator('.field-table').allInnerTexts();
    await page.waitForTimeout(300);
    const held = await text();
    await page.waitForTimeout(2_500);
    assert.deepEqual(await text(), held);
    await page.getByRole('button', { name: 'Resume updates' }).click();
    await until(async () => String(await text()) !== String(held), 'it goes on');
    assert.deepEqual(complaints, []);
    await close();
  });

  test('without WebSockets by server-sent events, and without these by polling', async () => {
    for (const [mode, isEventBlocked] of [
      ['events', false],
      ['polling', true],
    ]) {
      const { page, close } = await site.open();
      await page.routeWebSocket(/graphql/, (socket) => socket.close());
      if (isEventBlocked) {
        await page.route('**/graphql', (route) =>
          route.request().headers().accept?.includes('text/event-stream')
            ? route.abort()
            : route.continue(),
        );
      }
      await watchRows(page);
      await page.locator(`.live.is-${mode}`).waitFor();
      await watchDetail(page);
      await page.locator(`.live.is-${mode}`).waitFor();
      await close();
    }
  });

  test('a server that goes away is said, and the page recovers by itself', async () => {
    const { page, close } = await site.open();
    await watchRows(page);
    const restart = await site.kill();
    await page.locator('.offline', { hasText: "Can't reach the server." }).waitFor();
    await page.locator('.live.is-offline').waitFor();
    assert.ok((await page.locator('.row').count()) > 1, 'what was known stays');
    await restart();
    await page.locator('.live.is-socket').waitFor();
    await until(async () => (await page.locator('.offline').count()) === 0, 'no banner');
    const { jobCounts } = await site.ask('{ jobCounts { total } }');
    await until(async () => {
      const shown = await page.locator('.rest.is-total .number').innerText();
      return Number(shown.replace(/\D/g, '')) >= jobCounts.total;
    }, 'counts that follow again');
    await close();
  });
});
