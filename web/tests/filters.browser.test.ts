// The filters of the list of jobs: several values, times, lengths, messages; in the address, as chips, in
// the dialogs of actions and in files. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { checkInBothThemes } from './support/axe';
import { type Database, importRows } from './support/server';
import { describeOnDatabases, type PageOptions, Site, type Steps } from './support/site';
import { until } from './support/until';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MINUTE = 60_000;

const names = async (page: Page) => (await page.locator('.row-link').allInnerTexts()).sort();
const chips = async (page: Page) =>
  (await page.locator('.chips li:visible .filter').allInnerTexts()).map((text) =>
    text.replace(/^Remove filter:\s*/, ''),
  );

describeOnDatabases('filters', (kind) => {
  const ids = { hubspot: randomUUID(), jira: randomUUID(), other: randomUUID() };
  const agents = { one: randomUUID(), two: randomUUID(), three: randomUUID() };

  /** Jobs that each filter tells apart, with times relative to now. */
  const fill = (database: Database) => {
    const now = Date.now();
    const at = (ago: number) => new Date(now - ago).toISOString();
    const jobs: object[] = [];
    const runs: object[] = [];
    const add = (
      name: string,
      configuration: keyof typeof ids,
      state: string,
      of: {
        created: number;
        started?: number;
        ended?: number;
        agent?: keyof typeof agents;
        message?: string;
        priority?: number;
      },
    ) => {
      const [Id, runId] = [randomUUID(), randomUUID()];
      const UpdateDate = at(of.ended ?? of.started ?? of.created);
      jobs.push({
        Id,
        ConfigurationId: ids[configuration],
        Name: name,
        State: state,
        Priority: of.priority ?? 2,
        CurrentRunId: of.started ? runId : null,
        CreatedDate: at(of.created),
        UpdateDate,
      });
      if (of.started === undefined) return;
      runs.push({
        Id: runId,
        JobId: Id,
        AgentId: agents[of.agent ?? 'one'],
        AgentState: state,
        AgentQueuedDate: at(of.created),
        AgentStartTime: at(of.started),
        AgentEndTime: of.ended === undefined ? null : at(of.ended),
        AgentElapsedExecutionTime: of.ended === undefined ? null : of.started - of.ended,
        AgentResultMessage: of.message ?? null,
        UpdateDate,
      });
    };
    // Created three days ago, but it failed an hour ago: a filter on creation misses it.
    add('Old', 'hubspot', 'Failed', {
      created: 3 * DAY,
      started: 2 * HOUR,
      ended: HOUR,
      message: 'connection refused by 10.0.0.7',
    });
    add('Quick', 'jira', 'Failed', {
      created: HOUR,
      started: 30 * MINUTE,
      ended: 29 * MINUTE,
      agent: 'two',
      message: 'quota exceeded',
      priority: 4,
    });
    add('Long', 'other', 'Completed', {
      created: 3 * DAY,
      started: 3 * DAY,
      ended: 2.5 * DAY,
      agent: 'three',
      message: 'all read',
    });
    add('Running', 'hubspot', 'Executing', { created: 3 * DAY, started: 10 * MINUTE });
    add('Waiting', 'jira', 'Queued', { created: 5 * MINUTE, priority: 0 });
    importRows(database.url, {
      configurations: [
        { Id: ids.hubspot, Name: 'HubSpot EU', Provider: 'hubspot' },
        { Id: ids.jira, Name: 'Jira', Provider: 'jira' },
        { Id: ids.other, Name: 'Files', Provider: 'share, point' },
      ],
      agents: Object.entries(agents).map(([Name, Id]) => ({ Id, Name })),
      jobs,
      'job-runs': runs,
    });
  };
  const site = new Site(kind, { fill, options: ['--lease', '0'] });

  const ready = '.table-body .row, .empty';
  const on = (name: string, path: string | (() => string), steps: Steps, options?: PageOptions) =>
    site.on(name, path, steps, { ready, ...options });

  const shows = (page: Page, ...expected: string[]) =>
    until(
      async () =>
        (await page.locator('.table.is-stale').count()) === 0 &&
        String(await names(page)) === String([...expected].sort()),
      `the jobs ${expected.join(', ')}`,
    );
  const query = (page: Page, expected: string) =>
    page.waitForURL((url) => decodeURIComponent(url.search) === expected);
  const bar = (page: Page, name: string | RegExp) =>
    page.getByRole('search').getByRole('button', { name });
  const more = async (page: Page) => {
    await bar(page, /^More filters/).click();
    return page.getByRole('dialog', { name: 'More filters' });
  };

  on('several configurations and agents are chosen, and each has a chip', '/', async (page) => {
    await bar(page, 'Configuration').click();
    await page.getByRole('option', { name: /^HubSpot EU/ }).click();
    await shows(page, 'Old', 'Running');
    await page.getByRole('option', { name: /^Jira/ }).click();
    await shows(page, 'Old', 'Running', 'Quick', 'Waiting');
    await query(page, `?configuration=${ids.hubspot},${ids.jira}`);
    await page.keyboard.press('Escape');
    await bar(page, 'Agent').click();
    for (const name of ['one', 'two']) await page.getByRole('option', { name }).click();
    await shows(page, 'Old', 'Running', 'Quick');
    await page.keyboard.press('Escape');
    assert.deepEqual(await chips(page), ['HubSpot EU', 'Jira', 'one', 'two']);
    // A link shows the same, by the same names.
    await page.reload();
    await shows(page, 'Old', 'Running', 'Quick');
    await until(async () => String(await chips(page)) === 'HubSpot EU,Jira,one,two', 'the names');
    await page.getByRole('button', { name: 'Remove filter: HubSpot EU' }).click();
    await shows(page, 'Quick');
    await page.getByRole('button', { name: 'Remove filter: one' }).click();
    // What the bar says itself has no chip.
    assert.deepEqual(await chips(page), []);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await query(page, '');
  });

  on('states are chosen, or left out', '/', async (page) => {
    await bar(page, 'State').click();
    await page.getByRole('checkbox', { name: 'Completed' }).check();
    await shows(page, 'Long');
    await page.getByRole('radio', { name: 'Exclude' }).check();
    await shows(page, 'Old', 'Quick', 'Running', 'Waiting');
    await page.getByRole('checkbox', { name: 'Queued' }).check();
    await shows(page, 'Old', 'Quick', 'Running');
    await query(page, '?not-state=queued,completed');
    await checkInBothThemes(page, 'the menu of states');
    await page.keyboard.press('Escape');
    assert.deepEqual(await chips(page), ['Not Queued', 'Not Completed']);
    await page.getByRole('button', { name: 'Remove filter: Not Queued' }).click();
    await shows(page, 'Old', 'Quick', 'Running', 'Waiting');
    // A tile is a choice of its own.
    await page.getByRole('button', { name: /^Failed/ }).click();
    await shows(page, 'Old', 'Quick');
    await query(page, '?state=failed');
  });

  on('a range is of the time that a tab is about, unless it is chosen', '/', async (page) => {
    const pick = async (button: string, range: string) => {
      await bar(page, new RegExp(`^${button}`)).click();
      await page.getByRole('button', { name: range, exact: true }).click();
    };
    await pick('Created', 'Since yesterday');
    await shows(page, 'Quick', 'Waiting');
    // Failed since yesterday, whenever they were created.
    await page.getByRole('button', { name: /^Failed/ }).click();
    await query(page, '?state=failed&finished=yesterday');
    await shows(page, 'Old', 'Quick');
    await page
      .getByRole('navigation', { name: 'Job state' })
      .getByRole('button', { name: 'Running' })
      .click();
    await page.waitForURL(/&started=yesterday$/);
    await shows(page, 'Running');
    await page.getByRole('button', { name: /^All jobs/ }).click();
    await query(page, '?created=yesterday');
    await bar(page, /^Created/).click();
    await page.getByRole('radio', { name: 'Finished' }).check();
    await query(page, '?finished=yesterday');
    await shows(page, 'Old', 'Quick');
    const menu = page.getByRole('dialog');
    const day = (ago: number) =>
      page.evaluate((time) => {
        const local = new Date(time - new Date(time).getTimezoneOffset() * 60_000);
        return local.toISOString().slice(0, 10);
      }, Date.now() - ago);
    await menu.getByLabel('From: date').fill(await day(4 * DAY));
    await shows(page, 'Old', 'Quick', 'Long');
    await menu.getByLabel('To: date').fill(await day(DAY));
    await shows(page, 'Long');
    // A time in the form that was chosen in the settings, or in the other one.
    const time = menu.getByLabel('From: time');
    assert.equal(await time.inputValue(), '00:00');
    await time.fill('25:00');
    await menu.getByText('Enter a time such as 13:30.').waitFor();
    await time.fill('1:30 pm');
    await page.waitForURL((url) => /:30:00\.000Z\.\./.test(decodeURIComponent(url.search)));
    assert.equal(await time.inputValue(), '1:30 pm');
    await shows(page, 'Long');
    assert.match(decodeURIComponent(page.url()), /\?finished=[^.]+\.000Z\.\.[^.]+\.000Z$/);
    await checkInBothThemes(page, 'the menu of times');
    await page.getByRole('button', { name: 'Any time' }).click();
    await query(page, '');
  });

  on('messages, lengths, priorities and providers are in one menu', '/', async (page) => {
    const menu = await more(page);
    await menu.getByRole('searchbox', { name: 'Message contains' }).fill('REFUSED by');
    await shows(page, 'Old');
    await query(page, '?message=REFUSED+by');
    await menu.getByRole('searchbox', { name: 'Message contains' }).fill('');
    await shows(page, 'Long', 'Old', 'Quick', 'Running', 'Waiting');

    const least = menu.getByRole('textbox', { name: 'At least' });
    await least.fill('90');
    await menu.getByText('Enter a duration such as 90s, 10m or 1h30m.').waitFor();
    await query(page, '');
    await least.fill('60m');
    await shows(page, 'Long', 'Old');
    await query(page, '?min-duration=1h');
    // It stays as it was typed.
    assert.equal(await least.inputValue(), '60m');
    await menu.getByRole('textbox', { name: 'At most' }).fill('2h');
    await shows(page, 'Old');
    await checkInBothThemes(page, 'more filters');
    await page.keyboard.press('Escape');
    assert.deepEqual(await chips(page), ['Duration: at least 1h', 'Duration: at most 2h']);
    await page.getByRole('button', { name: 'Clear filters' }).click();

    await more(page);
    await menu.getByRole('combobox', { name: 'Priority' }).selectOption('High');
    await shows(page, 'Quick');
    await menu.getByRole('combobox', { name: 'Priority' }).selectOption('Any');
    for (const provider of ['hubspot', 'share, point']) {
      await menu.getByRole('checkbox', { name: provider }).check();
    }
    await shows(page, 'Long', 'Old', 'Running');
    assert.deepEqual(new URL(page.url()).searchParams.getAll('provider'), [
      'hubspot',
      'share, point',
    ]);
    await page.keyboard.press('Escape');
    assert.match(await bar(page, /^More filters/).innerText(), /^More filters\s2$/);
    await page.reload();
    await shows(page, 'Long', 'Old', 'Running');
    assert.deepEqual(await chips(page), ['Provider: hubspot', 'Provider: share, point']);
  });

  on(
    'an action on all that match, and a file, are of what is filtered, and say so',
    () =>
      `/?state=failed&configuration=${ids.hubspot},${ids.jira}&message=e&finished=week&min-duration=10m`,
    async (page) => {
      await shows(page, 'Old');
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      const file = readFileSync(await (await download).path(), 'utf8');
      assert.deepEqual(
        file
          .trim()
          .split('\r\n')
          .slice(1)
          .map((line) => line.split(',')[1]),
        ['Old'],
      );
      await page.getByRole('button', { name: 'Bulk actions' }).click();
      await page.getByRole('button', { name: 'Retry all matching jobs…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog
        .getByText(
          'Applies to all failed (1) jobs of HubSpot EU or Jira, with “e” in the message, ' +
            'finished in the last 7 days, that ran for 10m or longer.',
        )
        .waitFor();
      await dialog.getByRole('button', { name: 'Go back' }).click();
      // What is excluded is not counted, nor offered.
      await page.goto(site.at('/?not-state=completed,queued,executing'));
      await shows(page, 'Old', 'Quick');
      await page.getByRole('button', { name: 'Bulk actions' }).click();
      await page.getByRole('button', { name: 'Retry all matching jobs…' }).click();
      await dialog.getByText('Applies to all failed (2) jobs.').waitFor();
      await dialog.getByRole('button', { name: 'Go back' }).click();
    },
  );

  on('a search that finds no name leads to the messages', '/?q=quota', async (page) => {
    await page.getByRole('button', { name: 'Search messages for “quota”' }).click();
    await shows(page, 'Quick');
    await query(page, '?message=quota');
  });

  on(
    'a phone has all filters as chips, and the menu fits',
    () => `/?state=failed&agent=${agents.two}&message=quota&priority=4`,
    async (page) => {
      await shows(page, 'Quick');
      await until(
        async () => String(await chips(page)) === 'Failed,two,Message: “quota”,Priority: High',
        'the chips',
      );
      await page.getByRole('button', { name: 'Remove filter: Priority: High' }).tap();
      await page.waitForURL((url) => !url.searchParams.has('priority'));
      const menu = await more(page);
      const box = await menu.evaluate((element) => element.getBoundingClientRect().toJSON());
      assert.ok(box.left >= 0 && box.right <= 360, JSON.stringify(box));
      await checkInBothThemes(page, 'more filters on a phone');
    },
    { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  );
});
