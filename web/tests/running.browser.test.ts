// What is known of the end of running jobs, what runs next, and the actions on single jobs. In a real browser,
// on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { checkInBothThemes } from './support/axe';
import { phone } from './support/browser';
import { rows, settled } from './support/demo';
import { type Database, importRows } from './support/server';
import { describeOnDatabases, Site } from './support/site';

const MINUTE = 60_000;
const configuration = randomUUID();
const agent = randomUUID();
const names = { usual: 'Crawl as usual', late: 'Crawl late' };
const running: Record<string, string> = {};

/** 40 runs of 40 to 50 minutes of each of two jobs; one job now runs for 20 minutes, the other for 4 hours. */
function history(database: Database): void {
  const jobs: object[] = [];
  const runs: object[] = [];
  const iso = (at: number) => new Date(at).toISOString();
  const now = Date.now();
  const add = (Name: string, State: string, start: number, end: number | undefined) => {
    const [Id, CurrentRunId] = [randomUUID(), randomUUID()];
    const UpdateDate = iso(end ?? now);
    jobs.push({
      Id,
      ConfigurationId: configuration,
      Name,
      State,
      CurrentRunId,
      CreatedDate: iso(start - MINUTE),
      UpdateDate,
    });
    runs.push({
      Id: CurrentRunId,
      JobId: Id,
      AgentId: agent,
      AgentState: State,
      AgentQueuedDate: iso(start - MINUTE),
      AgentStartTime: iso(start),
      AgentEndTime: end === undefined ? null : iso(end),
      UpdateDate,
    });
    return Id;
  };
  for (const [key, name] of Object.entries(names)) {
    for (let n = 1; n <= 40; n += 1) {
      const start = now - n * 6 * 60 * MINUTE;
      add(name, 'Completed', start, start + (40 + (n % 11)) * MINUTE);
    }
    const began = now - (key === 'late' ? 240 : 20) * MINUTE;
    running[`${database.kind} ${key}`] = add(name, 'Executing', began, undefined);
  }
  importRows(database.url, {
    configurations: [{ Id: configuration, Name: 'HubSpot EU', Provider: 'hubspot' }],
    agents: [{ Id: agent, Name: 'crawler' }],
    jobs,
    'job-runs': runs,
  });
}

const dialog = (page: Page) => page.getByRole('dialog');

describeOnDatabases('a running job', (kind) => {
  const site = new Site(kind, { fill: history });
  const path = (key: keyof typeof names) => () => `jobs/${running[`${kind} ${key}`]}`;

  site.on(
    'says how long runs like it take, and draws it on its timeline',
    path('usual'),
    async (page) => {
      const usually = page.locator('.figures > div', { hasText: 'Usually' });
      const text = await usually.innerText();
      const [, least, most] = /(\d+)\D+(\d+)\s*min/.exec(text) ?? [];
      assert.ok(Number(least) >= 38 && Number(most) <= 52 && Number(least) < Number(most), text);
      await page.locator('.piece.is-expected').waitFor();
      await page.getByText(/expected to end between .* and .*, most likely at/).waitFor();
      assert.equal(await page.getByText('Longer than usual').count(), 0);
      await checkInBothThemes(page, 'a job with a forecast');
    },
  );

  site.on('is marked on its page when it takes longer than usual', path('late'), async (page) => {
    await page.getByText('This run takes longer than usual.').waitFor();
    await checkInBothThemes(page, 'a job that takes longer');
  });

  site.on(
    'is marked in the list, and among the executing jobs',
    '?state=executing',
    async (page) => {
      await settled(page);
      const marked = rows(page).filter({ hasText: 'Longer than usual' });
      await marked.first().waitFor();
      assert.equal(await marked.count(), 1);
      assert.match(await marked.innerText(), /Crawl late/);
      await page.locator('.executing-button').click();
      await page.locator('.executing-job', { hasText: 'Longer than usual' }).waitFor();
      await checkInBothThemes(page, 'the executing jobs');
    },
  );

  site.on(
    'lists by the end, by the start, and by the duration, from the headers',
    '?state=completed',
    async (page) => {
      await settled(page);
      const sorted = (name: string, order: string) =>
        page.locator(`[role=columnheader][aria-sort="${order}"]`, { hasText: name }).waitFor();
      await sorted('Finished', 'descending');
      const first = () => rows(page).first().locator('[data-column=duration]').innerText();
      await page.getByRole('button', { name: 'Duration' }).click();
      await sorted('Duration', 'descending');
      await settled(page);
      assert.equal(await first(), '50m 00s');
      await page.getByRole('button', { name: 'Duration' }).click();
      await sorted('Duration', 'ascending');
      await settled(page);
      assert.equal(await first(), '40m 00s');
      assert.match(page.url(), /sort=shortest/);
    },
  );

  site.on('is ended without its agent, with a reason', path('late'), async (page) => {
    await page.getByRole('button', { name: 'Force cancel…' }).click();
    await dialog(page).getByRole('textbox', { name: 'Reason (optional)' }).fill('it hangs');
    await checkInBothThemes(page, 'the dialog');
    await dialog(page).getByRole('button', { name: 'Force cancel' }).click();
    await page.locator('.chip', { hasText: 'Cancelled' }).first().waitFor();
    await page.locator('.history', { hasText: 'it hangs' }).waitFor();
  });
});

describeOnDatabases('what runs next', (kind) => {
  const site = new Site(kind, {
    fill: ({ url }) =>
      importRows(url, {
        configurations: [{ Id: configuration, Name: 'HubSpot EU', Provider: 'hubspot' }],
      }),
  });

  test('jobs are queued from the list, for now or for later, and are listed in their order', async () => {
    const { page, complaints, close } = await site.open({ timezoneId: 'UTC' });
    const queue = async (name: string, priority: string, date?: string) => {
      await page.goto(site.url);
      await page.getByRole('button', { name: 'Queue job…' }).click();
      await dialog(page)
        .getByRole('combobox', { name: 'Configuration' })
        .selectOption(configuration);
      await dialog(page).getByRole('textbox', { name: 'Name (optional)' }).fill(name);
      await dialog(page).getByRole('combobox', { name: 'Priority' }).selectOption(priority);
      if (date) await dialog(page).getByLabel('Run at: date').fill(date);
      await checkInBothThemes(page, 'the dialog');
      await dialog(page).getByRole('button', { name: 'Queue job' }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    };
    await queue('a low one', 'Low');
    await queue('in a month', 'High', '2090-02-01');
    await queue('the day before', 'Normal', '2090-01-31');
    await queue('a high one', 'High');
    await page.goto(site.url);
    await page.getByRole('button', { name: 'Next', exact: true }).click();
    await settled(page);
    const listed = await rows(page).locator('.row-link').allInnerTexts();
    assert.deepEqual(listed, ['a high one', 'a low one', 'the day before', 'in a month']);
    await checkInBothThemes(page, 'what runs next');
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a copy of a job is queued from its page', async () => {
    const { jobs } = await site.ask('{ jobs(take: 1) { items { id name } } }');
    const [{ id, name }] = jobs.items;
    const { page, complaints, close } = await site.open({ viewport: phone });
    await page.goto(`${site.url}/jobs/${id}`);
    await page.getByRole('button', { name: 'Queue a copy…' }).click();
    assert.equal(
      await dialog(page).getByRole('textbox', { name: 'Name (optional)' }).inputValue(),
      name,
    );
    await dialog(page).getByRole('button', { name: 'Queue job' }).click();
    await page.getByText('Job queued.').waitFor();
    assert.ok(!page.url().endsWith(id));
    await page.getByRole('heading', { level: 1, name }).waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    assert.deepEqual(complaints, []);
    await close();
  });
});
