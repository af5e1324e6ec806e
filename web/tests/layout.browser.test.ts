// How the dashboard's pages look where room or paper are short: long names at every width,
// zoom, print. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { checkInBothThemes } from './support/axe';
import { boxOf } from './support/browser';
import { type Database, importRows, kinds } from './support/server';
import { describeOnDatabases, type PageOptions, Site, type Steps } from './support/site';

/** Longer than the API lets names be, as imports have them, without a place to break them. */
const long = (start: string) => start + 'x'.repeat(300 - start.length);

describeOnDatabases('the layout', (kind) => {
  const ids = { configuration: randomUUID(), agent: randomUUID(), running: '', failed: '' };

  const fill = (database: Database) => {
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const jobs = Array.from({ length: 50 }, (_, index) => ({
      Id: randomUUID(),
      ConfigurationId: ids.configuration,
      Name: long(`job-${index}-`),
      // All but one end: a job that goes on shows what moves.
      State: index === 0 ? 'Executing' : 'Failed',
      CurrentRunId: randomUUID(),
      CreatedDate: at(60 + index),
      UpdateDate: at(0),
    }));
    const runs = jobs.map(({ Id, State, CurrentRunId }, index) => ({
      Id: CurrentRunId,
      JobId: Id,
      AgentId: ids.agent,
      AgentState: State,
      AgentQueuedDate: at(60),
      AgentStartTime: at(50),
      UpdateDate: at(0),
      ...(index === 0
        ? {
            AgentPercentCompleted: 42,
            AgentTasksCount: 100,
            AgentTasksCompletedCount: 40,
            AgentTasksFailedCount: 10,
            AgentTasksQueuedCount: 50,
          }
        : { AgentEndTime: at(10), AgentResultMessage: `connection refused by host ${index}` }),
    }));
    const configuration = { Id: ids.configuration, Name: long('configuration-') };
    const agent = { Id: ids.agent, Name: long('crawler-agent-7f9c8d6b54-x2x9q.prod.') };
    importRows(database.url, {
      configurations: [{ ...configuration, Provider: 'hubspot' }],
      agents: [agent],
      jobs,
      'job-runs': runs,
    });
    ids.running = jobs[0]?.Id ?? '';
    ids.failed = jobs[1]?.Id ?? '';
  };
  const site = new Site(kind, { fill, options: ['--lease', '0'] });

  const ready = '.row-link, .job-head h1';
  const on = (name: string, path: () => string, steps: Steps, options: PageOptions = {}) =>
    site.on(name, path, steps, { ready, ...options });

  const pages: [string, () => string][] = [
    ['jobs', () => '/'],
    [
      'failed jobs with all columns',
      () =>
        '/?state=failed&columns=state,agent,progress,started,duration,tasks,clues,message,type,priority,created,scheduled,updated,rate,id',
    ],
    ['a running job', () => `/jobs/${ids.running}`],
    ['a failed job', () => `/jobs/${ids.failed}`],
    ['configurations', () => '/configurations'],
    ['a configuration', () => `/configurations/${ids.configuration}`],
    ['agents', () => '/agents'],
    ['an agent', () => `/agents/${ids.agent}`],
  ];

  // Texts are as long on one database as on the other.
  const languages = kind === kinds[0] ? (['en', 'de'] as const) : (['en'] as const);
  for (const language of languages) {
    const options = { settings: { language } };

    for (const [what, path] of pages) {
      on(
        `long names neither widen nor overprint ${what}, ${language}`,
        path,
        async (page) => {
          await page.locator(`html[lang="${language}"]`).waitFor();
          for (const width of [360, 390, 640, 768, 1024, 1100, 1440, 1920]) {
            await page.setViewportSize({ width, height: 900 });
            await drawn(page);
            const wrong = await page.evaluate(overflowing);
            assert.deepEqual(wrong, [], `at a width of ${width}`);
          }
        },
        options,
      );
    }

    for (const [what, path] of [pages[4], pages[6]]) {
      on(
        `${what} fit phones and tablets without being pushed, ${language}`,
        path,
        async (page) => {
          await page.locator(`html[lang="${language}"]`).waitFor();
          for (const width of [360, 390, 640, 768, 1024, 1100]) {
            await page.setViewportSize({ width, height: 900 });
            await drawn(page);
            const hidden = await page
              .locator('.scroll-x')
              .evaluate((table) => table.scrollWidth - table.clientWidth);
            assert.ok(hidden <= 0, `${hidden} px are hidden at ${width}`);
          }
        },
        options,
      );
    }

    for (const [what, path] of pages.slice(2, 4)) {
      on(
        `the title of ${what} is beside its states and buttons at every width, ${language}`,
        path,
        async (page) => {
          await page.locator(`html[lang="${language}"]`).waitFor();
          for (const width of [360, 640, 768, 1024, 1100, 1440]) {
            await page.setViewportSize({ width, height: 900 });
            await drawn(page);
            const title = await boxOf(page.locator('.job-title h1'));
            assert.ok(title.width >= 150, `${title.width} px at a width of ${width}`);
            for (const each of await page.locator('.job-bar :is(.chip, .button)').all()) {
              const { x, width: own } = await boxOf(each);
              assert.ok(x >= 0 && x + own <= width, `${each} at a width of ${width}`);
            }
          }
        },
        options,
      );
    }

    on(
      `short labels are whole at every width, ${language}`,
      pages[0][1],
      async (page) => {
        await page.locator(`html[lang="${language}"]`).waitFor();
        await page.locator('.executing-button').click();
        await page.locator('.executing-job').first().waitFor();
        for (const width of [360, 390, 640, 768, 1024, 1100, 1440]) {
          await page.setViewportSize({ width, height: 900 });
          await drawn(page);
          const labels = page.locator(
            '.tile-label, .rest:not([data-empty]) > .one-line, .view, .filter-label, .executing-facts > :not(.one-line)',
          );
          const cut = await labels.evaluateAll((all) =>
            all
              .filter((each) => each.clientWidth > 1 && each.scrollWidth > each.clientWidth)
              .map((each) => each.textContent),
          );
          assert.ok((await labels.count()) >= 15);
          assert.deepEqual(cut, [], `at a width of ${width}`);
        }
      },
      options,
    );
  }

  on(
    'configurations are cards on a phone, with each number and what it counts',
    pages[4][1],
    async (page) => {
      await page.setViewportSize({ width: 360, height: 740 });
      await drawn(page);
      const card = page.locator('tbody tr');
      const { x, width } = await boxOf(card);
      const numbers = card.locator('td.number');
      const tops = [];
      for (const number of await numbers.all()) {
        const box = await boxOf(number);
        assert.ok(box.x >= x && box.x + box.width <= x + width, 'it is on the card');
        tops.push(Math.round(box.y + box.height / 2));
      }
      assert.equal(tops.length, 6);
      assert.ok(Math.max(...tops) - Math.min(...tops) <= 2, String(tops));
      assert.equal(await card.locator('.card-sign:visible').count(), 5);
      assert.deepEqual(await page.locator('.counts-legend li').allInnerTexts(), [
        'Executing',
        'Failed',
      ]);
      // Its headers go on sorting.
      await page.getByRole('button', { name: 'Failed' }).click();
      await page.locator('th[aria-sort="descending"]', { hasText: 'Failed' }).waitFor();
      await checkInBothThemes(page, 'configurations on a phone');
    },
  );

  on(
    'the name and the menu stay in view while a wide table is pushed',
    pages[1][1],
    async (page) => {
      await page.setViewportSize({ width: 1_024, height: 900 });
      const table = page.getByRole('table');
      await table.evaluate((element) => element.scrollTo(300, 0));
      await drawn(page);
      assert.ok((await table.evaluate(({ scrollLeft }) => scrollLeft)) > 200, 'it is pushed');
      const place = await boxOf(table);
      for (const selector of ['[data-column="job"]', '.cell-menu']) {
        const { x, width } = await boxOf(page.locator(`.table-body ${selector}`).first());
        assert.ok(x >= place.x && x + width <= place.x + place.width + 1, selector);
      }
    },
  );

  on('at 400 % zoom what stays in view leaves room for the page', pages[2][1], async (page) => {
    for (const [width, height, most] of [
      [360, 225, 0],
      [720, 450, 0],
      [390, 844, 0.2],
      [1440, 900, 0.2],
    ]) {
      await page.setViewportSize({ width, height });
      await page.evaluate(() => window.scrollTo(0, 600));
      await drawn(page);
      const stuck = await page.evaluate(stuckAtTop);
      assert.ok(stuck <= most * height, `${stuck} of ${height} px at a width of ${width}`);
    }
  });

  on(
    'all rows of a page are printed, without what can only be pressed',
    pages[0][1],
    async (page) => {
      await page.emulateMedia({ media: 'print' });
      const rows = await page.locator('.table-body .row').evaluateAll((all) =>
        all.map((row) => {
          const { top, bottom, right } = row.getBoundingClientRect();
          return { top, bottom, right };
        }),
      );
      assert.equal(rows.length, 50);
      rows.forEach(({ top, bottom, right }, index) => {
        assert.ok(bottom - top > 20, `row ${index} has a height`);
        assert.ok(index === 0 || top >= rows[index - 1].bottom - 1, `row ${index} is below`);
        assert.ok(right <= 1_440, `row ${index} is on the paper`);
      });
      for (const hidden of ['.top', '.filters', '.list-tools', '.cell-menu', '.cell-check']) {
        assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
      }
    },
  );

  on('the focus follows to the page’s heading, and back to the row', pages[0][1], async (page) => {
    const focused = (expected: string) =>
      page.waitForFunction((selector) => document.activeElement?.matches(selector), expected);
    const link = page.locator('.row-link').nth(2);
    const href = await link.getAttribute('href');
    await link.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/jobs\//);
    await focused('h1');
    assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /^job-/);
    await page.goBack();
    await focused(`.row-link[href="${href}"]`);
    await page.keyboard.press('j');
    const next = page.locator('.row-link').nth(3);
    assert.ok(await next.evaluate((element) => element === document.activeElement));
    await page.getByRole('link', { name: 'Agents' }).click();
    await focused('h1');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent ?? ''), 'Agents');
  });

  on(
    'a row’s texts can be pointed at, selected and clicked',
    () => '/?state=failed',
    async (page) => {
      const message = page.locator('.message').first();
      const { x, y, width, height } = await boxOf(message);
      const at = [x + Math.min(width, 60) / 2, y + Math.min(height, 12) / 2];
      const found = await page.evaluate(
        ([left, top]) => document.elementFromPoint(left, top)?.getAttribute('title') ?? '',
        at,
      );
      assert.match(found, /^connection refused/);
      await page.mouse.move(x + 1, y + 6);
      await page.mouse.down();
      await page.mouse.move(x + 80, y + 6, { steps: 5 });
      await page.mouse.up();
      assert.ok((await page.evaluate(() => String(window.getSelection()))).length > 3);
      assert.match(page.url(), /state=failed$/, 'selecting does not lead away');
      await page.evaluate(() => window.getSelection()?.removeAllRanges());
      const [other] = await Promise.all([
        page.context().waitForEvent('page'),
        page
          .locator('[data-column="duration"]')
          .first()
          .click({ modifiers: ['Control'] }),
      ]);
      await other.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
      await page.locator('[data-column="duration"]').first().click();
      await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
    },
  );
});

/** Until the page has been laid out and drawn at its present size, with what it measures. */
const drawn = (page: Page) =>
  page.evaluate(async () => {
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  });

/** What reaches out of the page or of its cell; runs in the page. */
function overflowing() {
  const wrong = [];
  const { clientWidth, scrollWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const beyond = [...document.querySelectorAll('main *')].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    const names = beyond.slice(-5).map(({ className, tagName }) => className || tagName);
    wrong.push(`the page is ${scrollWidth - clientWidth} px too wide: ${names.join(', ')}`);
  }
  for (const cell of document.querySelectorAll('.row .cell, .plain-table td, .plain-table th')) {
    const box = cell.getBoundingClientRect();
    if (box.width === 0) continue;
    for (const inner of cell.querySelectorAll('a, span')) {
      if (inner.closest('.hidden, .head-label, .bar')) continue;
      const over = inner.getBoundingClientRect().right - box.right;
      if (over > 1.5) {
        wrong.push(`${inner.className || inner.tagName} is ${Math.round(over)} px beyond its cell`);
      }
    }
  }
  return [...new Set(wrong)];
}

/** How many pixels at the top are taken by what stays in view; runs in the page. */
function stuckAtTop() {
  let bottom = 0;
  for (const element of document.querySelectorAll('.top, .job-head, .job-bar, .table-head')) {
    if (getComputedStyle(element).position !== 'sticky') continue;
    const box = element.getBoundingClientRect();
    if (box.top >= 0 && box.top <= bottom + 1) bottom = Math.max(bottom, box.bottom);
  }
  return Math.round(bottom);
}
