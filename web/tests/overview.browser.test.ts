// The overview: charts over time, by keyboard and as a table, whether today is normal, and what gets worse.
// In a real browser, on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { checkInBothThemes } from './support/axe';
import { boxOf, phone } from './support/browser';
import { settled, total } from './support/demo';
import { type Database, importRows } from './support/server';
import { describeOnDatabases, Site } from './support/site';
import { until } from './support/until';

const HOUR = 3_600_000;

const configurations = { steady: randomUUID(), worse: randomUUID() };
const agent = randomUUID();
/** The hour that has ended last. */
const lastHour = Math.floor(Date.now() / HOUR) * HOUR - HOUR;

/** Two runs each hour of the last 29 days; those of one source fail in the last two days. */
function history(database: Database): void {
  const jobs: object[] = [];
  const runs: object[] = [];
  for (let hour = 0; hour < 29 * 24; hour += 1) {
    const end = lastHour - hour * HOUR + HOUR / 2;
    for (const [name, ConfigurationId] of Object.entries(configurations)) {
      const [Id, CurrentRunId] = [randomUUID(), randomUUID()];
      const State = name === 'worse' && hour < 48 ? 'Failed' : 'Completed';
      const iso = (at: number) => new Date(at).toISOString();
      const dates = { CreatedDate: iso(end - HOUR), UpdateDate: iso(end) };
      jobs.push({ Id, ConfigurationId, Name: `Crawl ${name}`, State, CurrentRunId, ...dates });
      runs.push({
        Id: CurrentRunId,
        JobId: Id,
        AgentId: agent,
        AgentState: State,
        AgentQueuedDate: iso(end - 11 * 60_000),
        AgentStartTime: iso(end - 10 * 60_000),
        AgentEndTime: iso(end),
        UpdateDate: iso(end),
        AgentResultMessage: State === 'Failed' ? 'quota exceeded' : null,
      });
    }
  }
  importRows(database.url, {
    configurations: [
      { Id: configurations.steady, Name: 'Steady', Provider: 'hubspot' },
      { Id: configurations.worse, Name: 'Worse', Provider: 'mysql' },
    ],
    agents: [{ Id: agent, Name: 'crawler' }],
    jobs,
    'job-runs': runs,
  });
}

const chart = (page: Page, name: string) => page.getByRole('slider', { name, exact: true });
const spoken = (page: Page, name: string) => chart(page, name).getAttribute('aria-valuetext');

describeOnDatabases('the overview', (kind) => {
  const site = new Site(kind, { fill: history });

  test('shows what finished, and is read and opened by the keyboard', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/overview`);
    const finished = chart(page, 'Finished runs');
    await finished.focus();
    await page.keyboard.press('Home');
    assert.match((await spoken(page, 'Finished runs')) ?? '', /Completed: 1, Failed: 1/);
    await page.keyboard.press('ArrowRight');
    assert.equal(await finished.getAttribute('aria-valuenow'), '1');
    assert.match((await spoken(page, 'Queue time')) ?? '', /median: /);
    await page.keyboard.press('Enter');
    await settled(page);
    assert.equal(await total(page), 2);
    assert.match(page.url(), /state=failed,completed,cancelled.*finished=|finished=/);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a click on a part of a bar lists the jobs of that outcome in that time', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/overview?time=week`);
    const bars = page.locator('figure', { hasText: 'Finished runs' }).locator('rect.chart-failed');
    await bars.first().waitFor();
    assert.equal(await bars.count(), 48);
    const { x, y, width, height } = await boxOf(bars.nth(20));
    await page.mouse.click(x + width / 2, y + height / 2);
    await settled(page);
    assert.equal(await total(page), 1);
    assert.match(page.url(), /state=failed/);
    await page.goBack();
    await bars.first().waitFor();
    assert.match(page.url(), /time=week/);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the same is a table, whose sums are those of the API', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/overview?time=month`);
    await page.getByRole('button', { name: 'Show as table' }).click();
    const rows = page.locator('.statistics-table tbody tr');
    await rows.first().waitFor();
    assert.match(page.url(), /view=table/);
    const failed = await rows.locator('td.tone-failed').allInnerTexts();
    assert.equal(
      failed.reduce((sum, text) => sum + Number(text), 0),
      48,
    );
    assert.equal(await page.getByRole('slider').count(), 0);
    await checkInBothThemes(page, 'the table');
    await rows.nth(1).locator('td.tone-failed a').click();
    await settled(page);
    assert.equal(await total(page), 24);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('says whether today is normal, and what gets worse', async () => {
    const { page, complaints, close } = await site.open({ timezoneId: 'UTC' });
    await page.goto(`${site.url}/overview`);
    await page
      .getByRole('heading', { name: /^(Today|Yesterday): more failures than usual$/ })
      .waitFor();
    await page.getByText(/compared with the median of the last 4 \w+days/i).waitFor();
    const row = page.locator('.by-group tbody tr', { hasText: 'Worse' });
    await row.getByText('100%').first().waitFor();
    // The same length of time before was as bad; that of a week was not.
    await page.getByRole('radio', { name: '7 days' }).check();
    await row.getByText(/▲ \d+/).waitFor();
    await row.getByRole('link', { name: '48' }).click();
    await settled(page);
    assert.equal(await total(page), 48);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a source is chosen, by provider and by agent, and is in the address', async () => {
    const { page, complaints, close } = await site.open({ timezoneId: 'UTC' });
    await page.goto(`${site.url}/overview?configuration=${configurations.steady}`);
    await page.getByRole('heading', { name: /^(Today is|Yesterday was) normal$/ }).waitFor();
    await chart(page, 'Finished runs').waitFor();
    assert.equal(await page.locator('rect.chart-failed').count(), 0);
    await page.getByRole('radio', { name: 'By provider' }).check();
    await page.locator('.by-group').getByRole('link', { name: 'hubspot' }).click();
    await until(async () => page.url().includes('provider=hubspot'), 'the provider');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.locator('.by-group').getByRole('link', { name: 'mysql' }).waitFor();
    await page.getByRole('radio', { name: 'By agent' }).check();
    await page.locator('.by-group').getByRole('link', { name: 'crawler' }).click();
    await page.getByRole('heading', { level: 1, name: 'crawler' }).waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the pages of a configuration and an agent have their own', async () => {
    for (const path of [`configurations/${configurations.steady}`, `agents/${agent}`]) {
      const { page, complaints, close } = await site.open();
      await page.goto(`${site.url}/${path}`);
      await page.getByText('Statistics', { exact: true }).click();
      await chart(page, 'Run time').waitFor();
      assert.match((await spoken(page, 'Run time')) ?? '', /median: (9m 5\d|10m 0\d)s/);
      await checkInBothThemes(page, path);
      assert.deepEqual(complaints, []);
      await close();
    }
  });

  test('is clean for axe in both themes, and fits a phone in any length of time', async () => {
    const wide = await site.open();
    await wide.page.goto(`${site.url}/overview`);
    await chart(wide.page, 'Finished runs').waitFor();
    await wide.page.locator('.by-group tbody tr').first().waitFor();
    await checkInBothThemes(wide.page, 'the overview');
    await wide.close();
    const narrow = await site.open({ viewport: phone });
    for (const time of ['day', 'week', 'month', 'year']) {
      await narrow.page.goto(`${site.url}/overview?time=${time}`);
      await chart(narrow.page, 'Finished runs').waitFor();
      await narrow.page.locator('.by-group tbody tr').first().waitFor();
      assert.ok(
        await narrow.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
        `${time} does not scroll sideways`,
      );
    }
    await checkInBothThemes(narrow.page, 'the overview on a phone');
    assert.deepEqual([...wide.complaints, ...narrow.complaints], []);
    await narrow.close();
  });

  test('in forced colours the bars and lines keep their colours', async () => {
    const { page, complaints, close } = await site.open({ forcedColors: 'active' });
    await page.goto(`${site.url}/overview`);
    await chart(page, 'Finished runs').waitFor();
    const fills = await page.evaluate(() =>
      ['rect.chart-completed', 'rect.chart-failed'].map((selector) => {
        const bar = document.querySelector(selector);
        return bar && getComputedStyle(bar).fill;
      }),
    );
    assert.equal(new Set(fills).size, 2, String(fills));
    assert.deepEqual(complaints, []);
    await close();
  });
});

describeOnDatabases('the overview without history', (kind) => {
  const site = new Site(kind);

  test('says that there is nothing yet', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/overview`);
    await page.getByRole('heading', { name: 'Nothing finished in this time' }).waitFor();
    await page.getByText(/too little history/).waitFor();
    await checkInBothThemes(page, 'without history');
    assert.deepEqual(complaints, []);
    await close();
  });
});
