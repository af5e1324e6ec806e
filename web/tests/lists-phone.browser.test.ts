// The list of jobs on a phone: its order, filters and selection, by finger. In a real browser, on both
// databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { beforeAll } from 'vitest';
import { agentAt } from './support/agents';
import { checkInBothThemes } from './support/axe';
import { boxOf } from './support/browser';
import { describeOnDatabases, Site, type Steps } from './support/site';
import { until } from './support/until';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const rows = (page: Page) => page.locator('.table-body .row');

describeOnDatabases('lists of jobs on a phone', (kind) => {
  const site = new Site(kind);

  beforeAll(async () => {
    const agent = agentAt(site.url);
    const failed = await agent.queue({ name: 'Contacts crawl' });
    await agent.finish(await agent.start(failed), 1, 'FAILED', 'quota exceeded');
    for (const name of ['Deals crawl', 'Leads crawl']) await agent.queue({ name });
  });

  const on = (name: string, path: string, steps: Steps) =>
    site.on(name, path, steps, { ready: '.table-body .row', ...phone });

  on('a phone shows the order, and a menu changes it', '/', async (page) => {
    const { y } = await boxOf(rows(page).first());
    assert.ok(y <= 380, `${y} px`);
    assert.match(
      await rows(page).first().locator('[data-column="created"]').innerText(),
      /^\d\d:\d\d:\d\d$/,
    );
    const label = await rows(page)
      .first()
      .locator('[data-column="created"]')
      .evaluate((cell) => getComputedStyle(cell, '::before').content);
    assert.match(label, /Created/);
    await page.getByRole('button', { name: /^Sort/ }).tap();
    await page.getByRole('radio', { name: 'Least recently updated' }).check();
    await page.keyboard.press('Escape');
    await page.waitForURL(/sort=unchanged/);
    await rows(page).first().locator('[data-column="changed"]').waitFor();
    const field = page.getByRole('searchbox');
    assert.equal(await field.evaluate((input) => getComputedStyle(input).fontSize), '16px');
    assert.ok(!(await page.locator('.search kbd').isVisible()));
    await checkInBothThemes(page, 'a phone');
  });

  on(
    'a phone shows the filters in force, each with a way to take it away',
    '/?state=failed,queued&created=week&q=crawl',
    async (page) => {
      await page.getByText('Totals ignore the filters below.').waitFor();
      const chips = page.getByRole('list', { name: 'Active filters' }).getByRole('button');
      assert.deepEqual(
        (await chips.allInnerTexts()).map((text) => text.replace(/^Remove filter:\s*/, '')),
        ['Queued', 'Failed', '“crawl”', 'Created: Last 7 days', 'Clear filters'],
      );
      for (const chip of await chips.all()) {
        const { x, width } = await boxOf(chip);
        assert.ok(x >= 0 && x + width <= 390, 'it is on the screen');
      }
      await page.getByRole('button', { name: 'Remove filter: Queued' }).tap();
      await page.waitForURL((url) => url.searchParams.get('state') === 'failed');
      await page.getByRole('button', { name: 'Remove filter: “crawl”' }).tap();
      await page.waitForURL((url) => !url.searchParams.has('q'));
      await until(async () => (await page.getByRole('searchbox').inputValue()) === '', 'no text');
      await page.getByRole('button', { name: /^Remove filter: Created/ }).tap();
      await page.waitForURL((url) => url.search === '?state=failed');
      assert.equal(await page.getByText('Totals ignore').count(), 0);
    },
  );

  on('what is selected on a phone is one line', '/', async (page) => {
    for (const index of [0, 1]) await rows(page).nth(index).getByRole('checkbox').check();
    const bar = page.getByRole('region', { name: 'Selected jobs' });
    const tops = [];
    for (const each of await bar.locator('b, .button').all()) {
      const { y, height, x, width } = await boxOf(each);
      assert.ok(x >= 0 && x + width <= 390);
      tops.push(Math.round(y + height / 2));
    }
    assert.equal(tops.length, 4);
    assert.ok(Math.max(...tops) - Math.min(...tops) <= 2, String(tops));
    await bar.getByRole('button', { name: 'Clear selection' }).tap();
    await bar.waitFor({ state: 'detached' });
  });
});
