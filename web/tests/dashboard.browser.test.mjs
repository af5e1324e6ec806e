// The dashboard in a real browser against the real server, on both databases.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { desktop, launch, open, phone } from './support/browser.mjs';
import { ask, command, createDatabase, serve, simulate } from './support/server.mjs';
import { onlyIn, readable } from './support/texts.mjs';
import { until } from './support/until.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const kinds = (process.env.AGENT_JOBS_TEST_DATABASES ?? 'sqlite,postgres').split(',');

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const rows = (page) => page.locator('.table-body .row');

for (const kind of kinds) {
  describe(`the dashboard on ${kind}`, () => {
    let database;
    let server;
    const facts = {};

    before(async () => {
      database = createDatabase(kind);
      server = await serve('demo', database.url, { options: ['--agents', '0'] });
      Object.assign(
        facts,
        await ask(
          server.url,
          `{
            counts: jobCounts { failed completed total }
            failed: jobs(states: [FAILED], take: 1) {
              items { id name configuration { id name } currentRun { agentResultMessage } }
            }
            executing: jobs(states: [EXECUTING], take: 1) { items { id name } }
            queued: jobs(states: [QUEUED], take: 2) { items { id name } }
            retried: jobs(states: [COMPLETED], take: 200) { items { id runs(take: 2) { id } } }
            agents(take: 1) { items { id name } }
            configurations(take: 1) { items { id name } }
          }`,
        ),
      );
    });

    after(async () => {
      await server?.stop();
      database?.drop();
    });

    const at = (path) => new URL(path, server.url).href;

    /** Runs steps on a page, which must not complain. */
    const on = (name, path, steps, options) =>
      test(name, async () => {
        const { page, complaints, close } = await open(browser, server.url, options);
        try {
          await page.goto(at(path));
          await steps(page);
          assert.deepEqual(complaints, []);
        } finally {
          await close();
        }
      });

    /** Until the list is the one that was asked for last, not the one before. */
    const settled = async (page) => {
      await rows(page).first().waitFor();
      await until(async () => (await page.locator('.table.is-stale').count()) === 0, 'the list');
    };
    const total = async (page) =>
      Number((await page.locator('.list-count b').innerText()).replace(/\D/g, ''));

    on('counts and the list agree; a tile filters; the way back works', '/', async (page) => {
      await rows(page).first().waitFor();
      assert.equal(await total(page), facts.counts.total);
      await page.getByRole('button', { name: /^Failed/ }).click();
      await page.waitForURL(/state=failed$/);
      await until(async () => (await total(page)) === facts.counts.failed, 'the failed jobs');
      const states = await page.locator('[data-column="state"]').allInnerTexts();
      assert.ok(states.length > 5 && states.every((state) => state === 'Failed'), String(states));
      await page.goBack();
      await until(async () => (await total(page)) === facts.counts.total, 'all jobs again');
    });

    on('tabs, states, search, time and order combine in the address', '/', async (page) => {
      const views = page.getByRole('navigation', { name: 'Job state' });
      await views.getByRole('button', { name: 'Running' }).click();
      await page.waitForURL(/state=executing,execution-completed,submitting,cancelling$/);
      await views.getByRole('button', { name: 'Scheduled' }).click();
      await page.waitForURL(/scheduled=1$/);
      await page.locator('[data-column="state"]', { hasText: 'Scheduled' }).first().waitFor();
      await views.getByRole('button', { name: 'Finished' }).click();
      await page.getByRole('button', { name: /^State/ }).click();
      await page.getByRole('checkbox', { name: 'Completed' }).uncheck();
      await page.keyboard.press('Escape');
      await page.waitForURL(/state=failed,cancelled$/);
      await page.getByRole('searchbox', { name: 'Search by name or ID' }).fill('sharepoint');
      await page.waitForURL(/q=sharepoint/);
      await page.getByRole('search').getByRole('button', { name: 'Created' }).click();
      await page.getByRole('button', { name: 'Last 30 days' }).click();
      await page.getByRole('dialog', { name: 'Created' }).waitFor({ state: 'hidden' });
      await page
        .getByRole('columnheader', { name: 'Created' })
        .getByRole('button', { name: 'Created' })
        .click();
      await page.waitForURL(/sort=oldest/);
      await settled(page);
      const shown = await page.locator('.row-link').allInnerTexts();
      assert.ok(
        shown.every((name) => /sharepoint/i.test(name)),
        String(shown),
      );
      const n = await total(page);
      // Another user follows the link.
      const other = await page.context().newPage();
      await other.goto(page.url());
      await rows(other).first().waitFor();
      await settled(other);
      assert.equal(await total(other), n);
      assert.deepEqual(await other.locator('.row-link').allInnerTexts(), shown);
      await page.getByRole('button', { name: 'Clear filters' }).click();
      await until(async () => (await total(page)) === facts.counts.total, 'all jobs');
    });

    on('a configuration and an agent are chosen by name', '/', async (page) => {
      await page.getByRole('button', { name: 'Configuration', exact: true }).click();
      const { name } = facts.configurations.items[0];
      await page.getByRole('combobox', { name: 'Find configuration' }).fill(name);
      await page.getByRole('option', { name }).first().waitFor();
      await page.keyboard.press('Enter');
      await page.waitForURL(/configuration=/);
      await until(
        async () =>
          (await page.locator('.two-lines .muted').allInnerTexts()).every((text) =>
            text.startsWith(name),
          ),
        'only its jobs',
      );
      await page.getByRole('button', { name: 'Agent', exact: true }).click();
      await page.getByRole('option', { name: facts.agents.items[0].name, exact: true }).click();
      await page.waitForURL(/agent=/);
      await until(async () => {
        const names = await page.locator('[data-column="agent"]').allInnerTexts();
        return names.every((each) => each === facts.agents.items[0].name);
      }, 'only its jobs');
    });

    on('filters are read in any case, and unknown ones are named', '/', async (page) => {
      for (const path of ['/jobs?state=FAILED', '/jobs?State=Failed', '/?STATE=failed']) {
        await page.goto(at(path));
        await until(async () => (await total(page)) === facts.counts.failed, path);
        assert.equal(await page.locator('.ignored').count(), 0);
      }
      for (const [query, text] of [
        [
          'status=failed',
          'Unknown filter status=failed was ignored. Available filters: state, scheduled,',
        ],
        [
          'created=yesterdy',
          'Unknown filter created=yesterdy was ignored. created must be one of hour,',
        ],
      ]) {
        await page.goto(at(`/jobs?${query}&state=completed`));
        await page.locator('.ignored', { hasText: text }).waitFor();
        await until(async () => (await total(page)) === facts.counts.completed, 'what is known');
        await check(page, query);
      }
      await page.getByRole('button', { name: 'Dismiss' }).click();
      await page.waitForURL(/\/\?state=completed$/);
      assert.equal(await page.locator('.ignored').count(), 0);
    });

    on('pages: size, next, jump, last, and beyond the end', '/?state=completed', async (page) => {
      await rows(page).first().waitFor();
      await page.getByRole('combobox', { name: 'Rows' }).selectOption('25');
      await page.waitForURL(/size=25/);
      await until(
        async () => (await page.locator('.table').getAttribute('aria-rowcount')) === '26',
        '25 rows',
      );
      const first = await page.locator('.row-link').first().innerText();
      await page.getByRole('button', { name: 'Next page' }).click();
      await page.waitForURL(/page=2/);
      await page.getByRole('textbox', { name: 'Page' }).fill('4');
      await page.keyboard.press('Enter');
      await page.waitForURL(/page=4/);
      await page.getByRole('button', { name: 'Last page' }).click();
      const last = Math.ceil(facts.counts.completed / 25);
      await page.waitForURL(new RegExp(`page=${last}`));
      await page.goto(at('/?state=completed&page=99999'));
      await page.locator('.empty').getByRole('button', { name: 'First page' }).click();
      await rows(page).first().waitFor();
      assert.ok(first);
    });

    on('columns are chosen, and are in the link', '/?state=failed', async (page) => {
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('checkbox', { name: 'ID', exact: true }).check();
      await page.getByRole('checkbox', { name: 'Message', exact: true }).uncheck();
      await page.keyboard.press('Escape');
      let names;
      await until(async () => {
        names = await page.getByRole('columnheader').allInnerTexts();
        return names.includes('ID') && !names.includes('Message');
      }, 'the chosen columns');
      await page.reload();
      await rows(page).first().waitFor();
      assert.deepEqual(await page.getByRole('columnheader').allInnerTexts(), names);
    });

    on('all that match go into a CSV file', '/?state=failed', async (page) => {
      await rows(page).first().waitFor();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Export as CSV' }).click();
      const text = readFileSync(await (await download).path(), 'utf8');
      const ids = text.match(/^[0-9a-f-]{36},/gm) ?? [];
      assert.equal(new Set(ids).size, await total(page));
      assert.ok(text.startsWith('\ufeffJobId,Name,Type,State'));
    });

    on('selected jobs are retried', '/?state=failed&size=25&sort=oldest', async (page) => {
      await rows(page).first().waitFor();
      const before = (await ask(server.url, '{ jobCounts { failed } }')).jobCounts.failed;
      for (const index of [0, 2]) await rows(page).nth(index).getByRole('checkbox').check();
      await page.getByText('2 selected').waitFor();
      await page
        .getByRole('region', { name: 'Selected jobs' })
        .getByRole('button', { name: 'Retry…' })
        .click();
      await page.getByRole('dialog').getByRole('button', { name: 'Retry 2 jobs' }).click();
      await page.getByText('2 jobs queued for retry.').waitFor();
      const failed = (await ask(server.url, '{ jobCounts { failed } }')).jobCounts.failed;
      assert.equal(failed, before - 2);
      await until(async () => (await total(page)) === failed, 'the list without them');
    });

    on(
      'one job is cancelled from its row, with a reason',
      '/?state=queued&sort=oldest',
      async (page) => {
        const row = rows(page).first();
        const link = await row.locator('.row-link').getAttribute('href');
        await row.getByRole('button', { name: /^Actions for/ }).click();
        await page.getByRole('menuitem', { name: 'Cancel…' }).click();
        await page.getByRole('textbox', { name: /^Reason/ }).fill('not needed');
        await page
          .getByRole('dialog')
          .getByRole('button', { name: /^Cancel 1 job/ })
          .click();
        await page.getByText('Cancellation requested for 1 job.').waitFor();
        await page.goto(at(link));
        await page.getByText('operator: not needed').waitFor();
        await page.locator('.chip', { hasText: 'Cancelled' }).waitFor();
      },
    );

    test('all that match are retried, with their number first', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      const { id } = facts.failed.items[0].configuration;
      await page.goto(at(`/?state=failed,cancelled&configuration=${id}`));
      await rows(page).first().waitFor();
      const n = await total(page);
      await page.getByRole('button', { name: 'Bulk actions' }).click();
      await page.getByRole('button', { name: 'Retry all matching jobs…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/all failed \(.*\) and cancelled \(.*\) jobs of/).waitFor();
      await dialog.getByRole('button', { name: `Retry ${n} jobs` }).click();
      await page.getByText(`${n} jobs queued for retry.`).waitFor();
      await page.getByRole('heading', { name: 'No jobs match' }).waitFor();
      assert.deepEqual(complaints, []);
      await close();
    });

    on('what executes is in the header of every page', '/agents', async (page) => {
      const button = page.getByRole('button', { name: /executing$/ });
      await until(async () => /^[1-9]/.test((await button.innerText()).trim()), 'their number');
      await button.click();
      const list = page.getByRole('dialog', { name: 'Executing jobs' });
      const longest = await list.locator('.executing-name b').first().innerText();
      assert.ok((await list.getByRole('progressbar').count()) > 3);
      await list.getByRole('combobox').selectOption('newest');
      await list.getByRole('link').first().click();
      await page.waitForURL(/\/jobs\//);
      await page.getByRole('heading', { level: 1 }).waitFor();
      assert.ok(longest);
    });

    test('a failed job says why first, and shows all of its 42 fields', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      const { jobs } = await ask(
        server.url,
        `{ jobs(states: [FAILED], take: 1) { items { id name type priority currentRun {
             id agentResultMessage agentTasksCount updateDate } } } }`,
      );
      const [job] = jobs.items;
      await page.goto(at(`/jobs/${job.id}`));
      await page.locator('.banner', { hasText: job.currentRun.agentResultMessage }).waitFor();
      assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), job.name);
      for (const [name, value] of [
        ['Type', job.type],
        ['Priority', { 0: 'Low', 2: 'Normal', 4: 'High' }[job.priority]],
      ]) {
        const fact = page.locator('.job-facts > div', {
          has: page.getByText(name, { exact: true }),
        });
        assert.equal(await fact.locator('dd').innerText(), value);
      }
      await page.getByText('All fields').click();
      assert.equal(await page.locator('.field-table tr').count(), 42);
      const row = page.locator('.field-table tr', { hasText: 'agentTasksCount' });
      assert.equal(
        await row.locator('td').first().innerText(),
        String(job.currentRun.agentTasksCount ?? '–'),
      );
      for (const name of ['Timeline', 'Agent', 'Processing', 'History', 'Runs', 'All fields']) {
        await page.getByRole('heading', { level: 2, name, exact: true }).waitFor();
      }
      await page.getByRole('button', { name: 'Copy run ID' }).click();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), job.currentRun.id);
      await page.getByRole('button', { name: 'Copy link' }).click();
      const link = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(new URL(link).pathname, `/jobs/${job.id}`);
      await page.getByRole('button', { name: 'Raw JSON' }).click();
      const json = JSON.parse(await page.locator('pre.json').innerText());
      assert.equal(json.jobRun.updateDate, job.currentRun.updateDate);
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Retry…' }).click();
      await page.getByRole('button', { name: 'Retry 1 job' }).click();
      await page.getByText('1 job queued for retry.').waitFor();
      await page.locator('.chip', { hasText: 'Queued' }).waitFor();
      assert.deepEqual(complaints, []);
      await close();
    });

    on('what is not known is a dash, and nothing says 100 % by itself', '/', async (page) => {
      await page.goto(at(`/jobs/${facts.queued.items[1].id}`));
      await page.getByText('Waiting for an agent').waitFor();
      const { jobs } = await ask(
        server.url,
        `{ jobs(states: [FAILED], take: 200) { items { id currentRun {
             agentPercentCompleted agentExpectedTasksCount processingTasksCount } } } }`,
      );
      const job = jobs.items.find(
        ({ currentRun: run }) =>
          run.agentPercentCompleted === null && run.agentExpectedTasksCount === null,
      );
      if (!job) return;
      await page.goto(at(`/jobs/${job.id}`));
      await page.locator('.card-figure').first().waitFor();
      assert.equal(await page.locator('.card-figure').first().innerText(), '–');
      const bar = page.getByRole('progressbar', { name: 'Agent progress' });
      assert.equal(await bar.getAttribute('aria-valuenow'), null);
    });

    test('earlier runs are a click away', async () => {
      const job = facts.retried.items.find(({ runs }) => runs.length > 1);
      assert.ok(job, 'the demo has a job with two runs');
      const { page, complaints, close } = await open(browser, server.url);
      await page.goto(at(`/jobs/${job.id}`));
      await page.getByRole('link', { name: 'Run 1', exact: true }).click();
      await page.waitForURL(/run=/);
      await page.getByText('You are viewing an earlier run.').waitFor();
      await page.getByRole('link', { name: 'View current run' }).click();
      await page.waitForURL((url) => url.search === '');
      assert.deepEqual(complaints, []);
      await close();
    });

    on('configurations and agents have lists and pages', '/configurations', async (page) => {
      const { name } = facts.configurations.items[0];
      await page.getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await rows(page).first().waitFor();
      const n = Number(
        (await page.locator('.rest.is-total .number').innerText()).replace(/\D/g, ''),
      );
      assert.equal(await total(page), n);
      await page.getByRole('button', { name: /^Completed/ }).click();
      await page.waitForURL(/configurations\/.*state=completed/);
      await page.getByRole('link', { name: 'Agents', exact: true }).click();
      await page.getByRole('link', { name: facts.agents.items[0].name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name: facts.agents.items[0].name }).waitFor();
      await rows(page).first().waitFor();
      await until(async () => {
        const shown = (await page.locator('.rest.is-total .number').innerText()).replace(/\D/g, '');
        return Number(shown) === (await total(page));
      }, 'counts that add up');
    });

    on('what does not exist is said', '/', async (page) => {
      for (const [path, text] of [
        ['/jobs/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Job not found'],
        ['/jobs/nonsense', 'Job not found'],
        ['/configurations/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Configuration not found'],
        ['/agents/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Agent not found'],
        ['/?q=no-such-name', 'No jobs match'],
      ]) {
        await page.goto(at(path));
        await page.getByRole('heading', { name: text }).waitFor();
      }
    });

    on('settings: theme, zone and hours are kept, and times say their zone', '/', async (page) => {
      await rows(page).first().waitFor();
      await page.getByText('Times are in Europe/Berlin.').waitFor();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('radio', { name: 'Dark' }).check();
      await page.getByRole('combobox', { name: 'Time zone' }).selectOption('UTC');
      await page.getByRole('radio', { name: '12-hour' }).check();
      await page.getByText(/^Now: .*(am|pm) UTC$/i).waitFor();
      await page.reload();
      await page.getByText('Times are in UTC.').waitFor();
      const scheme = () =>
        page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
      assert.equal(await scheme(), 'dark');
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('radio', { name: 'System' }).check();
      assert.equal(await scheme(), 'light dark');
    });

    on('German is chosen in the settings, and nothing is left in English', '/', async (page) => {
      await rows(page).first().waitFor();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByRole('combobox', { name: 'Language' }).selectOption('Deutsch');
      // At once, with the menu still open.
      const settings = page.getByRole('dialog', { name: 'Einstellungen' });
      await settings.getByText('Zeitzone').waitFor();
      assert.equal(await page.locator('html').getAttribute('lang'), 'de');
      await page.reload();
      await settled(page);
      assert.equal(await page.locator('html').getAttribute('lang'), 'de');
      const inGerman = (n) => n.toLocaleString('de-DE');
      assert.ok(facts.counts.total > 999, 'a number with a separator');
      assert.equal(
        await page.locator('.list-count').innerText(),
        `${inGerman(await total(page))} Jobs`,
      );

      const english = await onlyIn('en', 'de');
      assert.ok(english.length > 250 && english.includes('Least recently updated'));
      // What the data says is in no language.
      const names = new Set(['Message', 'Name']);
      const assertGerman = async (where) => {
        const leaks = (await readable(page)).filter((text) =>
          english.some(
            (each) =>
              !names.has(each) &&
              (text === each || (each.includes(' ') && each.length > 9 && text.includes(each))),
          ),
        );
        assert.deepEqual(leaks, [], where);
        await check(page, where);
      };
      const title = (text) => page.waitForFunction((text) => document.title === text, text);

      await assertGerman('jobs');
      for (const label of ['Status', 'Konfiguration', 'Agent', 'Erstellt', 'Spalten']) {
        await page.locator('.filter', { hasText: label }).first().click();
        await page.locator('.popover').waitFor();
        await assertGerman(label);
        await page.keyboard.press('Escape');
        await page.locator('.popover').waitFor({ state: 'detached' });
      }
      await page.goto(at('/?state=failed&size=25'));
      await settled(page);
      await rows(page).first().getByRole('checkbox').check();
      await page.getByRole('region', { name: 'Ausgewählte Jobs' }).waitFor();
      await page.getByRole('button', { name: 'Wiederholen…' }).click();
      await page.getByRole('dialog').getByRole('button', { name: '1 Job wiederholen' }).waitFor();
      await assertGerman('retry');
      // Other tests retry jobs that had failed at the start.
      const { jobs } = await ask(
        server.url,
        '{ jobs(states: [FAILED], take: 1) { items { id name } } }',
      );
      const [failed] = jobs.items;
      await page.goto(at(`/jobs/${failed.id}`));
      await page.getByText('Lauf fehlgeschlagen').waitFor();
      await title(`✕ ${failed.name} · agent-jobs`);
      await assertGerman('a failed job');
      for (const { id } of [facts.executing.items[0], facts.queued.items[1]]) {
        await page.goto(at(`/jobs/${id}`));
        await page.locator('.job-head h1').waitFor();
        await assertGerman(`job ${id}`);
      }
      await page.goto(at('/jobs/nonsense'));
      await page.getByRole('heading', { name: 'Job nicht gefunden' }).waitFor();
      await assertGerman('no job');
      for (const [path, name, { id }] of [
        ['configurations', 'Konfigurationen', facts.configurations.items[0]],
        ['agents', 'Agenten', facts.agents.items[0]],
      ]) {
        await page.goto(at(`/${path}`));
        await title(`${name} · agent-jobs`);
        await page.locator('.row-link').first().waitFor();
        await assertGerman(path);
        await page.goto(at(`/${path}/${id}?size=25`));
        await settled(page);
        const created = await page.locator('.facts time:not([title])').innerText();
        const month = 'Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez';
        assert.match(created, new RegExp(`^\\d\\d\\. (${month})\\.? \\d{4}, \\d\\d:\\d\\d:\\d\\d`));
        await assertGerman(`${path}, one of them`);
      }
      await page.locator('.executing-button').click();
      await page.locator('.executing-job').first().waitFor();
      await assertGerman('executing jobs');
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Einstellungen' }).click();
      await assertGerman('settings');
      await page.getByRole('button', { name: 'Tastenkürzel' }).click();
      await page.getByRole('dialog', { name: 'Tastenkürzel' }).waitFor();
      await assertGerman('shortcuts');
    });

    on('the keyboard is enough', '/?state=failed', async (page) => {
      await rows(page).first().waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await page.getByText('1 selected').waitFor();
      assert.equal(await rows(page).nth(1).getAttribute('aria-selected'), 'true');
      await page.keyboard.press('k');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/jobs\//);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.keyboard.press('g');
      await page.keyboard.press('a');
      await page.waitForURL(/\/agents$/);
      await page.keyboard.press('g');
      await page.keyboard.press('j');
      await rows(page).first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('crawl');
      await page.waitForURL(/q=crawl/);
      await page
        .locator('h1')
        .first()
        .evaluate(() => document.activeElement.blur());
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Tab');
    });

    // What the pages look like is the same whatever the database.
    const sizes = kind === kinds[0] ? { desktop, phone } : {};
    for (const [size, viewport] of Object.entries(sizes)) {
      for (const colorScheme of ['light', 'dark']) {
        const name = `axe finds nothing, and nothing is cut off, on a ${size}, ${colorScheme}`;
        on(
          name,
          '/',
          async (page) => {
            for (const path of [
              '/?size=25',
              '/?state=failed&size=25',
              `/jobs/${facts.failed.items[0].id}`,
              `/jobs/${facts.executing.items[0].id}`,
              '/configurations',
              `/configurations/${facts.configurations.items[0].id}?size=25`,
              '/agents',
              `/agents/${facts.agents.items[0].id}?size=25`,
            ]) {
              await page.goto(at(path));
              await page.locator('.row-link, .job-head h1').first().waitFor();
              await check(page, path);
              const overflow = await page.evaluate(
                () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
              );
              assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
            }
            await page.getByRole('button', { name: 'Settings' }).click();
            await check(page, 'settings');
            await page.keyboard.press('Escape');
            await page.locator('.executing-button').click();
            await page.locator('.executing-job').first().waitFor();
            await check(page, 'the executing jobs');
          },
          { viewport, colorScheme },
        );
      }
    }

    on('under a path prefix', '/', async (page) => {
      const proxy = await prefixed('/ops/agent-jobs', server.url);
      try {
        for (const path of ['', `jobs/${facts.failed.items[0].id}`, 'configurations']) {
          const { page: there, complaints, close } = await open(browser, proxy.url);
          await there.goto(`${proxy.url}/ops/agent-jobs/${path}`);
          await there.locator('.row-link, .job-head h1').first().waitFor();
          await until(
            async () => (await there.locator('.live-label').innerText()) === 'Live',
            'a live connection through the proxy',
          );
          await there.getByRole('link', { name: 'Agents', exact: true }).click();
          await there.getByRole('heading', { name: 'Agents' }).waitFor();
          assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/agents');
          assert.deepEqual(complaints, []);
          await close();
        }
        await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
      } finally {
        proxy.close();
      }
    });

    on('under a path prefix without its slash', '/', async () => {
      const proxy = await prefixed('/ops/agent-jobs', server.url);
      try {
        for (const query of ['', '?state=failed']) {
          const { page: there, close } = await open(browser, proxy.url);
          await there.goto(`${proxy.url}/ops/agent-jobs${query}`);
          await rows(there).first().waitFor();
          assert.equal(there.url(), `${proxy.url}/ops/agent-jobs/${query}`);
          await there.getByRole('link', { name: 'Agents', exact: true }).click();
          await there.getByRole('heading', { name: 'Agents' }).waitFor();
          assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/agents');
          await close();
        }
        const { page: there, complaints, close } = await open(browser, proxy.url);
        await there.goto(`${proxy.url}/ops/agent-jobs/jobs/${facts.failed.items[0].id}/`);
        await there.locator('.job-head h1').waitFor();
        await there.goto(`${proxy.url}/ops/agent-jobs/graphiql/`);
        await there.locator('.graphiql-container').waitFor();
        assert.equal(new URL(there.url()).pathname, '/ops/agent-jobs/graphiql');
        assert.deepEqual(complaints, []);
        await close();
      } finally {
        proxy.close();
      }
    });

    on('initial load is small', '/', async (page) => {
      await rows(page).first().waitFor();
      const bytes = await page.evaluate(() =>
        performance
          .getEntriesByType('resource')
          .concat(performance.getEntriesByType('navigation'))
          .filter(({ name }) => !name.endsWith('/graphql'))
          .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
      );
      assert.ok(bytes > 50_000 && bytes < 200 * 1024, `${bytes} bytes`);
    });
  });

  describe(`the dashboard on ${kind} with access control`, () => {
    let database;
    let server;
    let token;

    before(async () => {
      database = createDatabase(kind);
      const options = ['--agents', '0', '--auth', 'tokens'];
      server = await serve('demo', database.url, { options });
      token = command(database.url, 'token', 'create', 'Wall', '--role', 'viewer');
    });

    after(async () => {
      await server?.stop();
      database?.drop();
    });

    async function signIn(page, text) {
      await page.getByLabel('Access token').fill(text);
      await page.getByRole('button', { name: 'Sign in' }).click();
    }
    const refusal = (page) => page.getByText('Invalid or expired token.');

    /** Browsers complain of every 401; those are meant here. */
    const unexpected = (complaints) => complaints.filter((each) => !/\b401\b/.test(each));

    async function checkLightAndDark(page, where) {
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await check(page, `${where}, ${colorScheme}`);
      }
    }

    test('a link leads to signing in, and then to what it shows', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      const link = `${server.url}/?state=failed`;
      await page.goto(link);
      await checkLightAndDark(page, 'signing in');
      await signIn(page, 'nonsense');
      await refusal(page).waitFor();
      await checkLightAndDark(page, 'a wrong token');
      await signIn(page, token);
      await rows(page).first().waitFor();
      assert.equal(page.url(), link);
      const states = await page.locator('[data-column="state"]').allInnerTexts();
      assert.ok(states.length > 5 && states.every((state) => state === 'Failed'), String(states));
      assert.deepEqual(unexpected(complaints), []);
      await close();
    });

    test('a viewer sees who is signed in, can change no job, and signs out', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      await page.goto(server.url);
      await signIn(page, token);
      await rows(page).first().waitFor();
      for (const [state, action] of [
        ['failed', 'Retry…'],
        ['queued', 'Cancel…'],
      ]) {
        await page.goto(`${server.url}/?state=${state}`);
        const row = rows(page).first();
        await row.waitFor();
        await page.getByRole('button', { name: 'Bulk actions' }).waitFor({ state: 'detached' });
        await row.getByRole('button', { name: /^Actions for/ }).click();
        await page.getByRole('menuitem', { name: 'Copy link' }).waitFor();
        assert.equal(await page.getByRole('menuitem', { name: action }).count(), 0);
        await page.keyboard.press('Escape');
        await page.getByRole('checkbox').first().waitFor({ state: 'detached' });
        await row.locator('.row-link').click();
        await page.waitForURL(/\/jobs\//);
        await page.getByRole('button', { name: 'Raw JSON' }).waitFor();
        assert.equal(await page.getByRole('button', { name: action }).count(), 0);
      }
      await page.getByRole('button', { name: 'Settings' }).click();
      const settings = page.getByRole('dialog', { name: 'Settings' });
      await settings.getByText('Wall', { exact: true }).waitFor();
      await settings.getByText(/^viewer, until/).waitFor();
      await settings.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL(/\/sign-in$/);
      await page.goBack();
      await page.waitForURL(/\/sign-in\?next=jobs/);
      await page.getByLabel('Access token').waitFor();
      assert.deepEqual(complaints, []);
      await close();
    });

    test('signing in below a path prefix without its slash', async () => {
      const proxy = await prefixed('/ops', server.url);
      const { page, close } = await open(browser, proxy.url);
      try {
        await page.goto(`${proxy.url}/ops`);
        await page.waitForURL(`${proxy.url}/ops/sign-in`);
        await signIn(page, token);
        await rows(page).first().waitFor();
        assert.equal(page.url(), `${proxy.url}/ops/`);
      } finally {
        await close();
        proxy.close();
      }
    });

    test('a token that is revoked ends what is open within seconds', async () => {
      const { page, complaints, close } = await open(browser, server.url);
      await page.goto(`${server.url}/?state=executing`);
      await signIn(page, token);
      await rows(page).first().locator('.row-link').click();
      await page.waitForURL(/\/jobs\//);
      await page.locator('.live.is-socket').waitFor();
      const link = page.url();
      command(database.url, 'token', 'revoke', 'Wall');
      const end = page.getByRole('heading', { name: 'Your session has ended' });
      await end.waitFor({ timeout: 10_000 });
      // Nothing of before is left to see.
      assert.equal(
        await page
          .locator('.top-tools')
          .getByText(/executing/)
          .count(),
        0,
      );
      await checkLightAndDark(page, 'signed out');
      await page.getByRole('link', { name: 'Sign in' }).click();
      await signIn(page, token);
      await refusal(page).waitFor();
      await signIn(page, command(database.url, 'token', 'create', 'Office', '--role', 'viewer'));
      await page.locator('.job-head h1').waitFor();
      assert.equal(page.url(), link);
      assert.deepEqual(unexpected(complaints), []);
      await close();
    });
  });

  describe(`the dashboard on ${kind} while agents work`, () => {
    let database;
    let server;
    let stopAgents;
    let port;

    before(async () => {
      database = createDatabase(kind);
      server = await serve('serve', database.url);
      port = new URL(server.url).port;
      stopAgents = simulate(server.url, [
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

    after(async () => {
      await stopAgents?.();
      await server?.stop();
      database?.drop();
    });

    /** An executing job, as the first row of the list shows it. */
    async function watchRows(page) {
      await page.goto(`${server.url}/?state=executing`);
      await page.locator('.row').nth(1).waitFor();
      const seen = new Set();
      await until(async () => {
        seen.add((await page.locator('[data-column="progress"]').allInnerTexts()).join());
        return seen.size > 3;
      }, 'rows that change in place');
    }

    async function watchDetail(page) {
      const { executingJobs } = await ask(
        server.url,
        '{ executingJobs { id currentRun { estimatedRemaining } } }',
      );
      // One that goes on for as long as it is looked at.
      const left = ({ currentRun: run }) => run?.estimatedRemaining ?? 0;
      const [job] = executingJobs.toSorted((a, b) => left(b) - left(a));
      await page.goto(`${server.url}/jobs/${job.id}`);
      await page.getByText('All fields').click();
      await page.locator('.field-table').first().waitFor();
      const seen = new Set();
      await until(async () => {
        const row = page.locator('.field-table tr', { hasText: 'updateDate' }).first();
        seen.add(await row.locator('td').first().innerText());
        return seen.size > 3;
      }, 'a run that changes');
    }

    const label = (page) => page.locator('.live-label').innerText();

    test('rows and a job’s page change by themselves, and can be held still', async () => {
      const { page, complaints, close } = await open(browser, server.url);
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
        const { page, close } = await open(browser, server.url);
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
      const { page, close } = await open(browser, server.url);
      await watchRows(page);
      await server.stop('SIGKILL');
      await page.locator('.offline', { hasText: "Can't reach the server." }).waitFor();
      await page.locator('.live.is-offline').waitFor();
      assert.ok((await page.locator('.row').count()) > 1, 'what was known stays');
      server = await serve('serve', database.url, { listen: `127.0.0.1:${port}` });
      await page.locator('.live.is-socket').waitFor();
      await until(async () => (await page.locator('.offline').count()) === 0, 'no banner');
      const { jobCounts } = await ask(server.url, '{ jobCounts { total } }');
      await until(async () => {
        const shown = await page.locator('.rest.is-total .number').innerText();
        return Number(shown.replace(/\D/g, '')) >= jobCounts.total;
      }, 'counts that follow again');
      await close();
    });
  });
}

async function check(page, where) {
  // What fades in has its full contrast once it is there.
  await page.waitForTimeout(250);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }),
  );
  const told = violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`),
  );
  assert.deepEqual(told, [], where);
}

/** A proxy that serves a server below a prefix, which it takes off, as people have them. */
function prefixed(prefix, target) {
  const { hostname, port } = new URL(target);
  const strip = (url) => {
    const path = url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
    return path === '' || path?.startsWith('?') ? `/${path}` : path;
  };
  const proxy = createServer((request, response) => {
    const path = strip(request.url);
    if (path === undefined) return response.writeHead(404).end();
    const { method, headers } = request;
    const onwards = httpRequest({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => response.destroy());
    response.on('close', () => onwards.destroy());
    request.pipe(onwards);
  });
  proxy.on('upgrade', (request, socket, head) => {
    const onwards = connect(port, hostname, () => {
      const headers = request.rawHeaders.reduce(
        (text, each, index) => text + each + (index % 2 ? '\r\n' : ': '),
        '',
      );
      onwards.write(`GET ${strip(request.url)} HTTP/1.1\r\n${headers}\r\n`);
      onwards.write(head);
      onwards.pipe(socket).pipe(onwards);
    });
    for (const each of [onwards, socket])
      each.on('error', () => [onwards, socket].map((s) => s.destroy()));
  });
  return new Promise((resolve) => {
    proxy.listen(0, '127.0.0.1', () => {
      const close = () => {
        proxy.close();
        proxy.closeAllConnections();
      };
      resolve({ url: `http://127.0.0.1:${proxy.address().port}`, close });
    });
  });
}
