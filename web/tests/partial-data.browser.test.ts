// What the dashboard shows where the API answers some fields with an error, on both databases.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { open } from './support/browser';
import { Service, type Work } from './support/service';
import { describeOnDatabases, type PageOptions, type Steps } from './support/site';

const TOO_LARGE = '9223372036854775807';
const reason = (field: string) =>
  `This value cannot be shown: ${TOO_LARGE} does not fit a Long, which has 53 bits (${field})`;

describeOnDatabases('numbers beyond 2^53', (kind) => {
  let service: Service;
  let bad: Work;

  beforeAll(async () => {
    service = await Service.start(kind === 'postgres' ? 'PostgreSQL' : 'SQLite');
    const good = await service.begin('Good crawl');
    bad = await service.begin('Bad crawl');
    const done = await service.begin('Done crawl');
    await good.report(10);
    await bad.report(20);
    await done.finish('COMPLETED', 'all read');
    const set = (column: string, name: string) =>
      service.execute(`UPDATE job_run SET ${column} = ${TOO_LARGE}
          WHERE job_id = (SELECT id FROM job WHERE name = '${name}')`);
    set('agent_tasks_count', 'Bad crawl');
    set('agent_expected_tasks_count', 'Bad crawl');
    set('agent_clues_count', 'Done crawl');
  });
  afterAll(() => service?.stop());

  /** Runs steps on a page, which must not complain. */
  const on = (
    name: string,
    path: () => string,
    steps: Steps,
    options: Pick<PageOptions, 'prepare'> = {},
  ) =>
    test(name, async () => {
      const { page, complaints, close } = await open(service.address);
      try {
        await options.prepare?.(page);
        await page.goto(new URL(path(), service.address).href);
        await steps(page);
        if (!options.prepare) assert.deepEqual(complaints, []);
      } finally {
        await close();
      }
    });

  const row = (page: Page, name: string) =>
    page.locator('.table-body .row', { has: page.getByText(name, { exact: true }) });
  const marks = (place: Locator | Page) => place.locator('.unavailable');

  async function assertMarked(place: Locator, field: string) {
    await marks(place).first().waitFor();
    assert.deepEqual(await marks(place).allInnerTexts(), [reason(field)]);
    assert.equal(await marks(place).first().getAttribute('title'), reason(field));
  }

  async function assertListed(page: Page, names: readonly string[]) {
    for (const name of names) await row(page, name).waitFor();
    assert.equal(await page.locator('.table-body .row').count(), names.length);
  }

  const bothLists: [string, () => string, string[]][] = [
    ['the list of all jobs', () => '/', ['Good crawl', 'Bad crawl', 'Done crawl']],
    ['the page of a configuration', () => `/configurations/${bad.configurationId}`, ['Bad crawl']],
    ['the page of an agent', () => `/agents/${bad.agentId}`, ['Bad crawl']],
  ];
  for (const [name, path, names] of bothLists) {
    on(`${name} shows its rows, with the values marked`, path, async (page) => {
      await assertListed(page, names);
      await assertMarked(
        row(page, 'Bad crawl').locator('[data-column="tasks"]'),
        'agentTasksCount',
      );
      const progress = row(page, 'Bad crawl').locator('[data-column="progress"]');
      await assertMarked(progress, 'agentExpectedTasksCount');
      assert.match(await progress.innerText(), /20%/);
      if (names.length === 1) return;
      await assertMarked(
        row(page, 'Done crawl').locator('[data-column="clues"]'),
        'agentCluesCount',
      );
      assert.equal(await marks(row(page, 'Good crawl')).count(), 0);
    });
  }

  on(
    'a job’s page shows the rest of its run',
    () => `/jobs/${bad.jobId}`,
    async (page) => {
      await page.getByRole('heading', { level: 1, name: 'Bad crawl' }).waitFor();
      await page.getByText('All fields').click();
      await page.locator('.field-table').first().waitFor();
      assert.equal(await page.locator('.field-table tr').count(), 42);
      const field = (name: string) =>
        page.locator('.field-table tr', {
          has: page.getByRole('rowheader', { name, exact: true }),
        });
      await assertMarked(field('agentTasksCount'), 'agentTasksCount');
      await assertMarked(field('agentExpectedTasksCount'), 'agentExpectedTasksCount');
      assert.equal(await marks(field('agentPercentCompleted')).count(), 0);
      const card = page.getByRole('region', { name: 'Agent', exact: true });
      assert.deepEqual(await marks(card).allInnerTexts(), [
        reason('agentTasksCount'),
        reason('agentExpectedTasksCount'),
      ]);
      assert.equal(await card.locator('.card-figure').innerText(), '20%');
    },
  );

  const blockSockets = (page: Page) => page.routeWebSocket(/graphql/, (socket) => socket.close());
  const blockEvents = async (page: Page) => {
    await blockSockets(page);
    await page.route('**/graphql', (route) =>
      route.request().headers().accept?.includes('text/event-stream')
        ? route.abort()
        : route.continue(),
    );
  };
  let percent = 20;
  for (const [mode, prepare] of [
    ['socket', undefined],
    ['events', blockSockets],
    ['polling', blockEvents],
  ] as const) {
    on(
      `what executes is counted, listed and goes on, by ${mode}`,
      () => '/configurations',
      async (page) => {
        await page.locator(`.live.is-${mode}`).waitFor();
        const count = page.locator('.executing-count');
        await page.waitForFunction(
          (element) => element?.textContent?.trim() === '2',
          await count.elementHandle(),
        );
        await page.getByRole('button', { name: /executing$/ }).click();
        const item = (name: string) => page.locator('.executing-job', { hasText: name });
        await assertMarked(item('Bad crawl'), 'agentExpectedTasksCount');
        assert.equal(await marks(item('Good crawl')).count(), 0);
        percent += 5;
        await bad.report(percent);
        await item('Bad crawl').getByText(`${percent}%`, { exact: true }).waitFor();
        await page.goto(new URL(`/jobs/${bad.jobId}`, service.address).href);
        await page.locator('.card-figure', { hasText: `${percent}%` }).waitFor();
        await page.locator(`.live.is-${mode}`).waitFor();
        percent += 5;
        await bad.report(percent);
        await page.locator('.card-figure', { hasText: `${percent}%` }).waitFor();
        assert.ok((await marks(page.locator('.fields')).count()) === 2);
      },
      { prepare },
    );
  }

  on(
    'a file says how many of its values are missing',
    () => '/',
    async (page) => {
      await row(page, 'Good crawl').waitFor();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      const text = readFileSync(await (await download).path(), 'utf8');
      assert.equal(text.trim().split('\r\n').length, 4);
      await page
        .getByText('Exported 3 jobs as CSV. 2 values could not be read and are left empty.')
        .waitFor();
    },
  );

  const withoutOneJob = (page: Page) =>
    page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('query JobList')) return route.continue();
      const response = await route.fetch();
      const { data, errors } = await response.json();
      data.jobs.items[0] = null;
      const error = { message: 'no such priority', path: ['jobs', 'items', 0, 'priority'] };
      return route.fulfill({ response, json: { data, errors: [...errors, error] } });
    });
  on(
    'a job that cannot be shown at all is counted, beside the others',
    () => '/',
    async (page) => {
      await page.getByText('1 of 3 cannot be shown: no such priority').waitFor();
      assert.equal(await page.locator('.table-body .row').count(), 2);
    },
    { prepare: withoutOneJob },
  );

  const withoutData = (page: Page) =>
    page.route('**/graphql', (route) =>
      route.request().postData()?.includes('query JobList')
        ? route.fulfill({ json: { data: null, errors: [{ message: 'a defect' }] } })
        : route.continue(),
    );
  on(
    'a response without data is an error, as before',
    () => '/',
    async (page) => {
      await page.getByRole('heading', { name: 'Request failed' }).waitFor();
      await page.getByText('a defect').waitFor();
    },
    { prepare: withoutData },
  );
});
