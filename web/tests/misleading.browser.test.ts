// Jobs that are easily shown as something else: agents that are silent, or have another clock; runs
// that waited long, or report nothing; processing that failed. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { checkInBothThemes } from './support/axe';
import { boxOf } from './support/browser';
import { type Database, importRows } from './support/server';
import { describeOnDatabases, Site } from './support/site';
import { until } from './support/until';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describeOnDatabases('what misleads easily', (kind) => {
  /** When the rows were imported. */
  const begun = Date.now();
  const ids: Record<string, string> = {};

  const fill = (database: Database) => {
    const at = (offset: number) => new Date(begun + offset).toISOString();
    const [configuration, agent] = [randomUUID(), randomUUID()];
    const jobs: object[] = [];
    const runs: object[] = [];
    const add = (name: string, state: string, run?: Record<string, unknown>) => {
      const [id, runId] = [randomUUID(), randomUUID()];
      ids[name] = id;
      const UpdateDate = run?.UpdateDate ?? at(0);
      jobs.push({
        Id: id,
        ConfigurationId: configuration,
        Name: name,
        State: state,
        CurrentRunId: run ? runId : null,
        CreatedDate: at(-4 * HOUR),
        UpdateDate,
      });
      if (!run) return;
      const own = { Id: runId, JobId: id, AgentId: agent, AgentState: state, UpdateDate };
      runs.push({ ...own, ...run });
    };
    const counts = {
      AgentExpectedTasksCount: 100_000,
      AgentTasksCount: 60_000,
      AgentTasksCompletedCount: 42_000,
      AgentTasksQueuedCount: 18_000,
    };
    add('Stale', 'Executing', {
      AgentQueuedDate: at(-2.25 * HOUR),
      AgentStartTime: at(-2 * HOUR),
      UpdateDate: at(-HOUR),
      ...counts,
    });
    add('Waited', 'Completed', {
      AgentQueuedDate: at(-77 * MINUTE),
      AgentStartTime: at(-MINUTE),
      AgentEndTime: at(-MINUTE / 2),
    });
    add('Half', 'Executing', {
      AgentStartTime: at(-HOUR),
      ...counts,
      AgentCluesCount: 500,
      AgentCluesCompletedCount: 400,
      ProcessingState: 'Executing',
      ProcessingTasksCount: 400,
      ProcessingTasksCompletedCount: 300,
      ProcessingTasksReceivedCluesCount: 450,
    });
    add('Processing failed', 'Executing', {
      AgentStartTime: at(-HOUR),
      ...counts,
      ProcessingState: 'Failed',
    });
    add('Nothing', 'Completed', {});
    add('Unknown', 'Paused', undefined);
    importRows(database.url, {
      configurations: [{ Id: configuration, Name: 'HubSpot EU', Provider: 'hubspot' }],
      agents: [{ Id: agent, Name: 'crawler' }],
      jobs,
      'job-runs': runs,
    });
  };
  const site = new Site(kind, { fill, options: ['--stale-after', '30m', '--lease', '0'] });

  const jobPage = (name: string) => () => `/jobs/${ids[name]}`;
  const row = (page: Page, name: string) =>
    page.locator('.table-body .row', { has: page.getByText(name, { exact: true }) });
  const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const figure = (page: Page, name: string) =>
    page.locator('.figures > div', { has: page.getByText(name, { exact: true }) }).locator('dd');
  const pieces = (page: Page) =>
    page
      .locator('.lane-track')
      .first()
      .locator('.piece')
      .evaluateAll((all) => {
        const track = all[0].parentElement?.getBoundingClientRect();
        if (!track) throw new Error('no track');
        return all.map((piece) => {
          const { left, right, width } = piece.getBoundingClientRect();
          return {
            kind: piece.className.split(' ')[1],
            left: (left - track.left) / track.width,
            right: (right - track.left) / track.width,
            width,
          };
        });
      });

  site.on(
    'a stale run has no estimate, is not live, and ends at its last report',
    jobPage('Stale'),
    async (page) => {
      await page.locator('.freshness', { hasText: 'Not reporting' }).waitFor();
      await page.locator('.banner', { hasText: 'No report for 1 hr.' }).waitFor();
      assert.equal((await figure(page, 'Remaining (est.)').innerText()).trim(), '–');
      assert.equal(await page.locator('.freshness', { hasText: 'Live' }).count(), 0);
      const [waited, worked, silent] = await pieces(page);
      assert.deepEqual(
        [waited.kind, worked.kind, silent.kind],
        ['is-waiting', 'is-working', 'is-silent'],
      );
      // From a quarter of an hour after it was queued, for the first of two hours.
      assert.ok(Math.abs(worked.right - 5 / 9) < 0.03, `${worked.right}`);
      assert.ok(silent.right > 0.97, `${silent.right}`);
      await checkInBothThemes(page, 'a stale run');
    },
  );

  site.on(
    'among the executing jobs and in the list a stale run says so in place of an estimate',
    () => '/?state=executing',
    async (page) => {
      await row(page, 'Stale').getByText('not reporting').waitFor();
      assert.doesNotMatch(await row(page, 'Stale').innerText(), / left|tasks\/min/);
      assert.match(await row(page, 'Half').innerText(), / left · .*tasks\/min/);
      await page.locator('.executing-button.is-busy').click();
      const item = (name: string) => page.locator('.executing-job', { hasText: name });
      await item('Stale').getByText('not reporting').waitFor();
      await item('Stale').getByText('no estimate').waitFor();
      assert.doesNotMatch(await item('Half').innerText(), /no estimate|not reporting/);
      await checkInBothThemes(page, 'the executing jobs');
    },
  );

  site.on(
    'failed processing of a job that executes is marked in the list and among the executing jobs',
    () => '/?state=executing',
    async (page) => {
      await row(page, 'Processing failed')
        .locator('.mark', { hasText: 'Processing failed' })
        .waitFor();
      assert.equal(await page.locator('.table-body .mark').count(), 1);
      await page.locator('.executing-button.is-busy').click();
      await page.locator('.executing-job').nth(2).waitFor();
      assert.deepEqual(await page.locator('.executing-job .mark').allInnerTexts(), [
        'Processing failed',
      ]);
    },
  );

  for (const [ahead, text] of [
    [4 * MINUTE, /^updated\s4 mins ahead: clocks differ$/],
    [5_000, /^updated\sjust now$/],
  ] as const) {
    site.on(
      `a report from ${ahead / 1_000} s ahead of the page’s clock is not in the future`,
      jobPage('Half'),
      async (page) => {
        await page.locator('.freshness dd').waitFor();
        assert.match((await page.locator('.freshness dd').innerText()).trim(), text);
      },
      { now: () => begun - ahead },
    );
  }

  site.on(
    'a long wait leaves room for the run, and says how long it was',
    jobPage('Waited'),
    async (page) => {
      await page.getByText('1h 16m queued, 30s running').waitFor();
      const [waited, worked] = await pieces(page);
      assert.equal(waited.kind, 'is-waiting');
      assert.ok(waited.width > 3 && waited.right < 0.1, `${waited.width} px`);
      assert.ok(worked.right - worked.left > 0.8, `${worked.right - worked.left}`);
    },
  );

  site.on(
    'a run that reported nothing says so once a card, without columns of dashes',
    jobPage('Nothing'),
    async (page) => {
      await card(page, 'Agent').getByText('Not reported').waitFor();
      await card(page, 'Processing').getByText('Not reported').waitFor();
      assert.equal(await page.locator('.figures, .parts-bar, .legend').count(), 0);
      await page.locator('.timeline', { hasText: 'No timestamps recorded.' }).waitFor();
      await checkInBothThemes(page, 'a run that reported nothing');
    },
  );

  site.on(
    'how much was processed is said of what was received, and halves that report apart raise no alarm',
    jobPage('Half'),
    async (page) => {
      await card(page, 'Processing')
        .locator('.card-figure', { hasText: '300 of 400 received' })
        .waitFor();
      await page.locator('.reconciliation', { hasText: 'counts are still changing' }).waitFor();
      assert.equal(await page.locator('.reconciliation.tone-cancelling').count(), 0);
      await card(page, 'Agent').getByText('1', { exact: false }).first().waitFor();
    },
  );

  site.on(
    'an unknown job without a run has no history that goes on',
    jobPage('Unknown'),
    async (page) => {
      await page.getByRole('heading', { name: 'No runs recorded' }).waitFor();
      const text = () => page.locator('.history, .freshness').allInnerTexts();
      const before = await text();
      assert.doesNotMatch(before.join(), /Executing|\d+h \d+m|ago/);
    },
  );

  let answer = () => {};
  site.on(
    'the page of a job loads in its own shape',
    jobPage('Stale'),
    async (page) => {
      await page.locator('.job.skeleton .card').nth(2).waitFor();
      const place = (selector: string) => boxOf(page.locator(selector).first());
      const before = await place('.cards');
      answer();
      await page.locator('.job-head h1').waitFor();
      await page.locator('.figures dd').first().waitFor();
      // The cards come where they are expected, below what is to be said first.
      const { height } = await place('.banners');
      const after = await place('.cards');
      assert.ok(
        Math.abs(after.y - before.y - height) < 40,
        `${before.y}, ${after.y} with ${height}`,
      );
      assert.equal(after.width, before.width);
    },
    {
      prepare: (page) => {
        const answered = new Promise<void>((resolve) => {
          answer = resolve;
        });
        return page.route('**/graphql', async (route) => {
          if (/query JobDetail/.test(route.request().postData() ?? '')) await answered;
          await route.continue();
        });
      },
    },
  );

  site.on(
    'a list that fails to load says so and nothing else',
    () => '/',
    async (page) => {
      await row(page, 'Waited').waitFor();
      await page.route('**/graphql', (route) =>
        /query JobList/.test(route.request().postData() ?? '')
          ? route.fulfill({
              json: {
                data: null,
                errors: [{ message: 'a defect', extensions: { code: 'INTERNAL' } }],
              },
            })
          : route.continue(),
      );
      await page.goto(`${site.url}/?state=failed`);
      await page.getByRole('heading', { name: 'Something went wrong on the server' }).waitFor();
      assert.equal(await page.getByText('Loading…').count(), 0);
    },
  );

  site.on('a page that is paused is still, its clocks included', jobPage('Half'), async (page) => {
    await page.getByRole('heading', { name: 'Half' }).waitFor();
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await page.locator('.live.is-paused').waitFor();
    const text = () => page.getByRole('main').innerText();
    const held = await text();
    // An hour later by the clock, and a tick of it.
    await page.clock.setFixedTime(Date.now() + HOUR);
    await page.waitForTimeout(1_500);
    assert.equal(await text(), held);
    await page.getByRole('button', { name: 'Resume updates' }).click();
    await until(async () => (await text()) !== held, 'it goes on');
  });
});
