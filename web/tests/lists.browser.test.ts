// The list of jobs: its order, filters, pickers and cells, by mouse and keyboard. In a real
// browser, on both databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { beforeAll } from 'vitest';
import { agentAt } from './support/agents';
import { checkInBothThemes } from './support/axe';
import { boxOf } from './support/browser';
import { describeOnDatabases, type PageOptions, Site, type Steps } from './support/site';
import { until } from './support/until';

const MINUTE = 60_000;

const rows = (page: Page) => page.locator('.table-body .row');
const names = (page: Page) => page.locator('.row-link').allInnerTexts();
const header = (page: Page, name: string) => page.getByRole('columnheader', { name, exact: true });
const sortOf = (page: Page, name: string) => header(page, name).getAttribute('aria-sort');

describeOnDatabases('lists of jobs', (kind) => {
  const site = new Site(kind);
  let begun = 0;
  const ids: Record<'running' | 'nameless' | 'configuration' | 'agent', string> = {
    running: '',
    nameless: '',
    configuration: '',
    agent: '',
  };

  beforeAll(async () => {
    begun = Date.now();
    const agent = agentAt(site.url);
    const failed = await agent.queue({ name: 'Contacts crawl' });
    await agent.finish(await agent.start(failed), 1, 'FAILED', 'quota exceeded');
    ids.running = await agent.queue({ name: 'Deals crawl' });
    await agent.report(await agent.start(ids.running), 1, {
      agentState: 'EXECUTING',
      progress: { agentExpectedTasksCount: 100_000, agentTasksCompletedCount: 40 },
    });
    // Scheduled in another order than that in which they are created.
    for (let n = 0; n < 30; n += 1) {
      const minutes = 10 + ((n * 7) % 30);
      const scheduledDate = new Date(begun + minutes * MINUTE).toISOString();
      await agent.queue({ name: `Scheduled ${minutes}`, scheduledDate });
    }
    await agent.queue({ name: 'Waiting' });
    const found = await site.ask(
      `mutation ($nameless: SaveConfigurationInput!) {
          saveConfiguration(input: $nameless) { configuration { id } }
        }`,
      { nameless: { provider: 'jira' } },
    );
    ids.nameless = found.saveConfiguration.configuration.id;
    const { configurations, agents } = await site.ask(
      '{ configurations { items { id name } } agents { items { id } } }',
    );
    ids.configuration = configurations.items.find(({ name }: { name: string | null }) => name).id;
    ids.agent = agents.items[0].id;
    await until(async () => {
      const { job } = await site.ask(
        'query ($id: UUID!) { job(id: $id) { currentRun { estimatedRemaining tasksPerMinute } } }',
        { id: ids.running },
      );
      return job.currentRun.estimatedRemaining > 0 && job.currentRun.tasksPerMinute > 0;
    }, 'an estimate');
  });

  const ready = '.table-body .row';
  const on = (name: string, path: string, steps: Steps, options: PageOptions = {}) =>
    site.on(name, path, steps, { ready, ...options });

  /** What the API lists in an order. */
  const listed = async (field: string, direction: string, filter = ''): Promise<string[]> => {
    const { jobs } = await site.ask(
      `{ jobs(take: 200, orderBy: { field: ${field}, direction: ${direction} } ${filter}) {
             items { id name } } }`,
    );
    return jobs.items.map(({ name }: { name: string }) => name);
  };

  on('headers sort the list, and say which way', '/', async (page) => {
    assert.equal(await sortOf(page, 'Created'), 'descending');
    for (const [name, query, direction, order] of [
      ['Created', 'sort=oldest', 'ascending', ['CREATED_DATE', 'ASC']],
      ['Created', '', 'descending', ['CREATED_DATE', 'DESC']],
      ['Started', 'sort=started', 'descending', ['STARTED_DATE', 'DESC']],
      ['Started', 'sort=started-up', 'ascending', ['STARTED_DATE', 'ASC']],
      ['Duration', 'sort=longest', 'descending', ['DURATION', 'DESC']],
      ['Duration', 'sort=shortest', 'ascending', ['DURATION', 'ASC']],
      ['Job', 'sort=name', 'ascending', ['NAME', 'ASC']],
      ['Job', 'sort=name-down', 'descending', ['NAME', 'DESC']],
    ] as const) {
      await header(page, name).getByRole('button').focus();
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.search === (query && `?${query}`));
      await until(async () => (await sortOf(page, name)) === direction, `${name} ${direction}`);
      const expected = await listed(order[0], order[1]);
      await until(async () => String(await names(page)) === String(expected), String(order));
      assert.equal(await page.locator('[aria-sort]').count(), 1);
    }
    // No header sorts where the API has no such order.
    assert.equal(await header(page, 'State').getByRole('button').count(), 0);
    await page.goBack();
    await page.waitForURL(/sort=name$/);
    await until(async () => (await sortOf(page, 'Job')) === 'ascending', 'the order before');
  });

  on('what a list is sorted by is shown', '/?columns=id&sort=changed', async (page) => {
    assert.equal(await sortOf(page, 'Updated'), 'descending');
    await page.goto(site.at('/?columns=id'));
    await header(page, 'Created').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    const created = page.getByRole('checkbox', { name: 'Created', exact: true });
    assert.ok(await created.isChecked());
    assert.ok(await created.isDisabled());
  });

  on('what is scheduled is listed as it becomes due', '/?size=25', async (page) => {
    const views = page.getByRole('navigation', { name: 'Job state' });
    await views.getByRole('button', { name: 'Scheduled' }).click();
    await page.waitForURL(/\?scheduled=1&size=25$/);
    const minutes = Array.from({ length: 30 }, (_, n) => `Scheduled ${10 + n}`);
    const shown = (expected: readonly string[]) =>
      until(async () => String(await names(page)) === String(expected), String(expected));
    await shown(minutes.slice(0, 25));
    assert.equal(await sortOf(page, 'Due'), 'ascending');
    await page.getByRole('button', { name: 'Next page' }).click();
    await shown(minutes.slice(25));
    await header(page, 'Due').getByRole('button').click();
    await page.waitForURL(/sort=due-down/);
    await shown(minutes.toReversed().slice(0, 25));
    // The order is the tab's own: elsewhere the newest come first again.
    await header(page, 'Due').getByRole('button').click();
    await shown(minutes.slice(0, 25));
    await views.getByRole('button', { name: 'All' }).click();
    await until(async () => (await sortOf(page, 'Created')) === 'descending', 'newest first');
  });

  on(
    'jobs that are due and wait say since when',
    '/?state=queued&sort=due&size=200',
    async (page) => {
      const row = (name: string) =>
        rows(page).filter({ has: page.getByText(name, { exact: true }) });
      const state = (name: string) => row(name).locator('[data-column="state"]').innerText();
      assert.match(await state('Scheduled 10'), /^Queued\s+Due 2 hr ago$/);
      assert.match(await state('Scheduled 39'), /^Queued\s+Due 1 hr ago$/);
      assert.equal(await state('Waiting'), 'Queued');
    },
    { now: () => begun + (2 * 60 + 11) * MINUTE },
  );

  on('jobs that are not due yet are only scheduled', '/?state=queued&sort=due', async (page) => {
    const states = await page.locator('[data-column="state"]').allInnerTexts();
    assert.equal(states.filter((state) => state === 'Scheduled').length, 30);
    assert.equal(states.filter((state) => state === 'Queued').length, 1);
  });

  on('cells are empty where nothing is to be known yet', '/?size=200', async (page) => {
    const row = (name: string) => rows(page).filter({ has: page.getByText(name, { exact: true }) });
    const waiting = await row('Waiting').innerText();
    assert.ok(!waiting.includes('–'), waiting);
    const message = await row('Deals crawl').locator('[data-column="message"]').innerText();
    assert.match(message, / left · [\d.,K]+ tasks\/min$/);
    // It is said once.
    assert.ok(!(await row('Deals crawl').locator('.time-left').isVisible()));
    assert.equal(
      await row('Contacts crawl').locator('[data-column="message"]').innerText(),
      'quota exceeded',
    );
  });

  on('the first row is near the top', '/', async (page) => {
    const { y } = await boxOf(rows(page).first());
    assert.ok(y <= 280, `${y} px`);
    await checkInBothThemes(page, 'the list');
  });

  on('a picker is used by the keyboard', '/', async (page) => {
    const button = page.getByRole('button', { name: 'Configuration', exact: true });
    await button.click();
    const field = page.getByRole('combobox', { name: 'Find configuration' });
    const options = page.getByRole('option');
    await options.first().waitFor();
    const active = async () => {
      const id = await field.getAttribute('aria-activedescendant');
      return id && page.locator(`[id="${id}"]`).innerText();
    };
    assert.equal(await field.getAttribute('aria-controls'), await listboxId(page));
    // What has no name is called by the last digits of its id, which differ.
    const nameless = `…${ids.nameless.slice(-12)}`;
    const all = await options.allInnerTexts();
    assert.equal(all.length, 2);
    assert.ok(
      all.some((text) => text.startsWith(nameless)),
      String(all),
    );
    assert.equal(await active(), null);
    for (const [key, index] of [
      ['ArrowDown', 0],
      ['ArrowDown', 1],
      ['ArrowDown', 0],
      ['ArrowUp', 1],
      ['Home', 0],
      ['End', 1],
    ] as const) {
      await page.keyboard.press(key);
      assert.equal(await active(), all[index], key);
    }
    await checkInBothThemes(page, 'a picker');
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
    assert.ok(await button.evaluate((element) => element === document.activeElement));
    assert.equal(new URL(page.url()).search, '');

    await page.keyboard.press('Enter');
    await field.fill('hub');
    assert.match((await active()) ?? '', /^HubSpot EU/);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.searchParams.get('configuration') === ids.configuration);
    // It stays open for others.
    await field.fill('');
    const chosen = page.locator('[role=option][aria-selected=true]');
    assert.deepEqual(await chosen.allInnerTexts(), [all.find((text) => /^HubSpot/.test(text))]);
    await page.getByRole('option', { name: nameless }).click();
    const both = `${ids.configuration},${ids.nameless}`;
    await page.waitForURL((url) => url.searchParams.get('configuration') === both);
    assert.equal(await chosen.count(), 2);
    await page.getByRole('button', { name: 'Configuration 2', exact: true }).waitFor();
    await field.focus();
    await page.keyboard.press('Home');
    assert.equal(await active(), 'Any');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.search === '');
    assert.equal(await chosen.count(), 0);
  });
  const listboxId = (page: Page) => page.getByRole('listbox').getAttribute('id');

  on('a page does not repeat in each row what it is about', '/', async (page) => {
    assert.ok((await rows(page).first().innerText()).includes('HubSpot EU'));
    await page.goto(site.at(`/configurations/${ids.configuration}`));
    await rows(page).first().waitFor();
    assert.equal((await page.locator('.table-body').innerText()).includes('HubSpot EU'), false);
    await header(page, 'Agent').waitFor();
    // What the page is about is no filter that could be cleared.
    assert.equal(await page.getByRole('button', { name: 'Clear filters' }).count(), 0);
    await page.goto(site.at(`/agents/${ids.agent}`));
    await rows(page).first().waitFor();
    assert.equal(await header(page, 'Agent').count(), 0);
    assert.ok((await rows(page).first().innerText()).includes('HubSpot EU'));
  });

  on('chosen columns are remembered, and a link goes before them', '/', async (page) => {
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'ID', exact: true }).check();
    await page.keyboard.press('Escape');
    await header(page, 'ID').waitFor();
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('heading', { name: 'Agents', exact: true }).waitFor();
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    await header(page, 'ID').waitFor();
    await page.goto(site.at('/?columns=state'));
    await header(page, 'State').waitFor();
    assert.equal(await header(page, 'ID').count(), 0);
    await page.goto(site.at('/'));
    await header(page, 'ID').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('button', { name: 'Reset columns' }).click();
    await header(page, 'ID').waitFor({ state: 'detached' });
  });

  on('Shift selects a range, and Escape clears it', '/', async (page) => {
    const box = (index: number) => rows(page).nth(index).getByRole('checkbox');
    await box(1).click();
    await box(5).click({ modifiers: ['Shift'] });
    await page.getByText('5 selected').waitFor();
    await box(3).click();
    await page.getByText('4 selected').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: 'Selected jobs' }).waitFor({ state: 'detached' });
    assert.equal(await page.locator('.row[aria-selected=true]').count(), 0);
  });

  on('only what the user changes is announced', '/', async (page) => {
    const said = page.getByRole('main').getByRole('status');
    assert.equal(await said.innerText(), '');
    const count = async () => Number(await page.locator('.list-count b').innerText());
    const before = await count();
    await agentAt(site.url).queue({ name: 'Another' });
    await until(async () => (await count()) === before + 1, 'the new job');
    assert.equal(await said.innerText(), '');
    await page.getByRole('button', { name: /^Failed/ }).click();
    await until(async () => (await said.innerText()) === '1 job', 'the number');
  });

  on('a file is named after the states in it', '/?state=failed', async (page) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as CSV' }).click();
    const name = (await download).suggestedFilename();
    assert.match(name, /^jobs-failed-\d{4}-\d\d-\d\d-\d{4}\.csv$/);
  });

  on(
    'moments fit their columns with twelve hours',
    '/?state=queued&sort=due&columns=scheduled,created,changed,updated,started',
    async (page) => {
      const moments = await page.locator('.cell time').evaluateAll((all) =>
        all.map((time) => {
          const cell = time.closest('.cell')?.getBoundingClientRect();
          if (!cell) throw new Error('no cell');
          const { height, right } = time.getBoundingClientRect();
          return { text: time.textContent, height, spare: cell.right - right };
        }),
      );
      assert.ok(moments.length >= 90 && moments.some(({ text }) => / [AP]M$/i.test(text)));
      for (const { text, height, spare } of moments) {
        assert.ok(height < 24 && spare >= 0, `${text}: ${height} px high, ${spare} px to spare`);
      }
    },
    // A day later, when each has a date.
    { settings: { hours: '12' }, now: () => begun + 26 * 60 * MINUTE },
  );

  on('tabs say what they have', '/', async (page) => {
    const tab = page.getByRole('button', { name: 'Running', exact: true });
    assert.equal(
      await tab.getAttribute('title'),
      'Executing, Agent finished, Submitting, Cancelling',
    );
  });
});
