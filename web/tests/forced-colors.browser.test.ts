// Pages with the colours of a system's high contrast, compared as screenshots with the pages as usual: each
// state's sign, each bar, each mark must draw the same shape. Screenshots as they are cannot be
// compared, since every colour is another; so what a mark draws is found by hiding it, in both.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { test } from 'vitest';
import { type Ink, inkOf, keptOf, overlapOf } from './support/ink';
import { type Database, importRows } from './support/server';
import { describeOnDatabases, Site } from './support/site';

const states = [
  'Executing',
  'Queued',
  'Failed',
  'Completed',
  'Cancelled',
  'ExecutionCompleted',
  'Submitting',
  'Cancelling',
  'Unknown',
];

const contrasts = ['none', 'active'] as const;

interface Marks {
  selector: string;
  /** What is hidden to see what it draws, if it is not the mark itself. */
  hidden?: string;
  /** How many there are at least. */
  least: number;
  /** How much of the shape must be the same: thin lines are drawn with other edges. */
  overlap?: number;
  /** How much of it must be kept, where a pattern becomes a plain surface. */
  kept?: number;
}

describeOnDatabases('forced colours', (kind) => {
  const ids = { running: '' };
  const fill = (database: Database) => {
    const [configuration, agent] = [randomUUID(), randomUUID()];
    const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
    const jobs = states.map((State, index) => ({
      Id: randomUUID(),
      ConfigurationId: configuration,
      Name: `Crawl ${State}`,
      State,
      CurrentRunId: State === 'Queued' ? null : randomUUID(),
      CreatedDate: at(100 + index),
      UpdateDate: at(0),
    }));
    ids.running = jobs[0].Id;
    const counts = {
      AgentPercentCompleted: 42,
      AgentExpectedTasksCount: 120,
      AgentTasksCount: 100,
      AgentTasksCompletedCount: 40,
      AgentTasksFailedCount: 10,
      AgentTasksQueuedCount: 40,
      AgentCluesCount: 100,
      AgentCluesCompletedCount: 60,
      AgentCluesFailedCount: 10,
      AgentCluesQueuedCount: 30,
      AgentLastSubmittedDate: at(5),
      ProcessingState: 'Executing',
      ProcessingTasksCount: 60,
      ProcessingTasksCompletedCount: 30,
      ProcessingTasksQueuedCount: 20,
      ProcessingTasksFailedCount: 10,
    };
    const runs = jobs
      .filter(({ CurrentRunId }) => CurrentRunId)
      .map(({ Id, State, CurrentRunId }) => ({
        Id: CurrentRunId,
        JobId: Id,
        AgentId: agent,
        AgentState: State,
        AgentQueuedDate: at(90),
        AgentStartTime: at(60),
        UpdateDate: at(0),
        ...(['Executing', 'Submitting', 'Cancelling'].includes(State)
          ? counts
          : { AgentEndTime: at(10) }),
        ...(State === 'Completed' && { ProcessingState: 'Failed' }),
      }));
    importRows(database.url, {
      configurations: [{ Id: configuration, Name: 'HubSpot EU', Provider: 'hubspot' }],
      agents: [{ Id: agent, Name: 'crawler' }],
      jobs,
      'job-runs': runs,
    });
  };
  const site = new Site(kind, { fill, options: ['--lease', '0', '--stale-after', '9h'] });

  /** The marks of a page with usual and with forced colours. */
  const inBoth = async (colorScheme: 'light' | 'dark', look: (page: Page) => Promise<Ink[][]>) => {
    const all: Ink[][][] = [];
    for (const forcedColors of ['none', 'active'] as const) {
      const { page, complaints, close } = await site.open({ forcedColors, colorScheme });
      try {
        all.push(await look(page));
        assert.deepEqual(complaints, []);
      } finally {
        await close();
      }
    }
    return all;
  };

  const compare = async (
    where: string,
    colorScheme: 'light' | 'dark',
    open: (page: Page) => Promise<void>,
    marks: readonly Marks[],
  ) => {
    const [usual, forced] = await inBoth(colorScheme, async (page) => {
      await open(page);
      await page.evaluate(async () => void (await document.fonts.ready));
      const all: Ink[][] = [];
      for (const { selector, hidden } of marks) all.push(await inkOf(page, selector, hidden));
      return all;
    });
    marks.forEach(({ selector, least, overlap, kept }, index) => {
      const told = `${where}, ${colorScheme}: ${selector}`;
      const [own, others] = [usual[index], forced[index]];
      assert.ok(own.length >= least, `${told}: ${own.length} of ${least} marks are in view`);
      assert.equal(others.length, own.length, told);
      own.forEach((ink, n) => {
        const most = ink.drawn.filter(Boolean).length;
        assert.ok(most >= 6, `${told} ${n} draws ${most} pixels with usual colours`);
        const [same, left] = [overlapOf(ink, others[n]), keptOf(ink, others[n])];
        const found = `${told} ${n}: ${same.toFixed(2)} is the same, ${left.toFixed(2)} is kept`;
        assert.ok(same >= (overlap ?? 0) && left >= (kept ?? 0), found);
        assert.ok(overlap || kept, 'each mark has a measure');
      });
    });
    return { usual, forced };
  };

  /** Opens the list, and keeps it still. */
  const openList = async (page: Page) => {
    await page.goto(site.at('/?sort=oldest'));
    await page
      .locator('.table-body .row')
      .nth(states.length - 1)
      .waitFor();
    await page.locator('.live.is-socket').waitFor();
    await page.getByRole('button', { name: 'Pause updates' }).click();
  };

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`the list draws each state, bar and choice, ${colorScheme}`, async () => {
      const { usual, forced } = await compare('the list', colorScheme, openList, [
        { selector: '.state-cell .sign', least: states.length, overlap: 0.6 },
        { selector: '.bar-fill', least: 1, overlap: 0.9 },
        { selector: '.tile .sign', least: 5, overlap: 0.6 },
        { selector: '.mark svg', least: 1, overlap: 0.5 },
        { selector: '.live-dot', least: 1, overlap: 0.6 },
      ]);
      // Each state has another shape, not only another colour, and they stay as far apart.
      const [signs, usualSigns] = [forced[0], usual[0]];
      signs.forEach((one, n) => {
        signs.slice(n + 1).forEach((other, after) => {
          const same = overlapOf(one, other);
          const before = overlapOf(usualSigns[n], usualSigns[n + 1 + after]);
          assert.ok(same < 0.9, `two states are alike: ${same.toFixed(2)}`);
          assert.ok(Math.abs(same - before) < 0.2, `${same.toFixed(2)}, ${before.toFixed(2)}`);
        });
      });
    });

    test(`a job’s page draws each bar, part, piece and legend, ${colorScheme}`, async () => {
      const open = async (page: Page) => {
        await page.setViewportSize({ width: 1_440, height: 2_400 });
        await page.goto(site.at(`/jobs/${ids.running}`));
        await page.locator('.parts-bar').first().waitFor();
        await page.locator('.live.is-socket').waitFor();
        await page.getByRole('button', { name: 'Pause updates' }).click();
      };
      const { forced } = await compare('a job', colorScheme, open, [
        // The edge of the track lies above them, which is a quarter of their height.
        { selector: '.part', least: 6, kept: 0.65 },
        { selector: '.lane-track .piece', least: 2, kept: 0.65 },
        { selector: '.legend .swatch', least: 6, kept: 0.6 },
        { selector: '.timeline-legend .swatch', least: 2, kept: 0.6 },
        { selector: '.card .bar-fill', least: 1, overlap: 0.8 },
        { selector: '.chip .sign', least: 1, overlap: 0.5 },
      ]);
      // Parts that lie side by side are told apart.
      const [parts] = forced;
      const colours = new Set(parts.slice(0, 3).map(({ colour }) => colour));
      assert.ok(colours.size >= 3, `${[...colours]}`);
    });

    test(`the executing jobs draw their bars, ${colorScheme}`, async () => {
      const open = async (page: Page) => {
        await page.goto(site.at('/agents'));
        await page.locator('.executing-button').click();
        await page.locator('.executing-job').first().waitFor();
      };
      await compare('the executing jobs', colorScheme, open, [
        { selector: '.executing-job .bar-fill', least: 1, overlap: 0.9 },
      ]);
    });
  }

  test('a mark that vanishes is found', async () => {
    const [usual, forced] = await inBoth('light', async (page) => {
      await openList(page);
      await page.evaluate(async () => void (await document.fonts.ready));
      // As if the system painted it in the colour of the page.
      await page.addStyleTag({
        content: '@media (forced-colors: active) { .bar-fill { background: Canvas !important; } }',
      });
      return [await inkOf(page, '.bar-fill')];
    });
    assert.equal(overlapOf(usual[0][0], usual[0][0]), 1);
    assert.equal(forced[0].length, usual[0].length);
    for (const measure of [overlapOf, keptOf]) assert.ok(measure(usual[0][0], forced[0][0]) < 0.5);
  });

  test('what is chosen is marked, and the present page is underlined', async () => {
    for (const forcedColors of contrasts) {
      const { page, close } = await site.open({ forcedColors });
      await page.goto(site.at('/?state=failed'));
      await page.locator('.table-body .row').first().waitFor();
      const style = (element: Element) => getComputedStyle(element).outlineStyle;
      const outline = await page.locator('.tile[aria-pressed="true"]').evaluate(style);
      assert.equal(outline, forcedColors === 'active' ? 'solid' : 'none');
      assert.equal(await page.locator('.tile').first().evaluate(style), 'none');
      const underline = await page
        .locator('.top-link[aria-current]')
        .evaluate((link) => getComputedStyle(link, '::after').backgroundColor);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.notEqual(underline, background);
      await close();
    }
  });
});
