// The dashboard in a real browser against the real server, on both databases.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { checkAsItIs } from './support/axe';
import { Demo, rows, settled, total } from './support/demo';
import type { Answer } from './support/server';
import { describeOnDatabases } from './support/site';
import { until } from './support/until';

describeOnDatabases('the dashboard', (kind) => {
  const site = new Demo(kind);

  site.on('counts and the list agree; a tile filters; the way back works', '/', async (page) => {
    await rows(page).first().waitFor();
    assert.equal(await total(page), site.facts.counts.total);
    await page.getByRole('button', { name: /^Failed/ }).click();
    await page.waitForURL(/state=failed$/);
    await until(async () => (await total(page)) === site.facts.counts.failed, 'the failed jobs');
    const states = await page.locator('[data-column="state"]').allInnerTexts();
    assert.ok(states.length > 5 && states.every((state) => state === 'Failed'), String(states));
    await page.goBack();
    await until(async () => (await total(page)) === site.facts.counts.total, 'all jobs again');
  });

  site.on('tabs, states, search, time and order combine in the address', '/', async (page) => {
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
    await page.getByRole('search').getByRole('button', { name: 'Finished' }).click();
    await page.getByRole('button', { name: 'Last 30 days' }).click();
    await page.getByRole('dialog', { name: 'Finished' }).waitFor({ state: 'hidden' });
    await page.waitForURL(/finished=month/);
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
    await until(async () => (await total(page)) === site.facts.counts.total, 'all jobs');
  });

  site.on('a configuration and an agent are chosen by name', '/', async (page) => {
    await page.getByRole('button', { name: 'Configuration', exact: true }).click();
    const { name } = site.facts.configurations.items[0];
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
    await page.getByRole('option', { name: site.facts.agents.items[0].name, exact: true }).click();
    await page.waitForURL(/agent=/);
    await until(async () => {
      const names = await page.locator('[data-column="agent"]').allInnerTexts();
      return names.every((each) => each === site.facts.agents.items[0].name);
    }, 'only its jobs');
  });

  site.on('filters are read in any case, and unknown ones are named', '/', async (page) => {
    for (const path of ['/jobs?state=FAILED', '/jobs?State=Failed', '/?STATE=failed']) {
      await page.goto(site.at(path));
      await until(async () => (await total(page)) === site.facts.counts.failed, path);
      assert.equal(await page.locator('.ignored').count(), 0);
    }
    for (const [query, text] of [
      [
        'status=failed',
        'Unknown filter status=failed was ignored. Available filters: state, not-state, scheduled,',
      ],
      [
        'created=yesterdy',
        'Unknown filter created=yesterdy was ignored. created must be one of hour,',
      ],
    ]) {
      await page.goto(site.at(`/jobs?${query}&state=completed`));
      await page.locator('.ignored', { hasText: text }).waitFor();
      await until(async () => (await total(page)) === site.facts.counts.completed, 'what is known');
      await checkAsItIs(page, query);
    }
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.waitForURL(/\/\?state=completed$/);
    assert.equal(await page.locator('.ignored').count(), 0);
  });

  site.on(
    'pages: size, next, jump, last, and beyond the end',
    '/?state=completed',
    async (page) => {
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
      const last = Math.ceil(site.facts.counts.completed / 25);
      await page.waitForURL(new RegExp(`page=${last}`));
      await page.goto(site.at('/?state=completed&page=99999'));
      await page.locator('.empty').getByRole('button', { name: 'First page' }).click();
      await rows(page).first().waitFor();
      assert.ok(first);
    },
  );

  site.on('columns are chosen, and are in the link', '/?state=failed', async (page) => {
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'ID', exact: true }).check();
    await page.getByRole('checkbox', { name: 'Message', exact: true }).uncheck();
    await page.keyboard.press('Escape');
    let names: string[] = [];
    await until(async () => {
      names = await page.getByRole('columnheader').allInnerTexts();
      return names.includes('ID') && !names.includes('Message');
    }, 'the chosen columns');
    await page.reload();
    await rows(page).first().waitFor();
    assert.deepEqual(await page.getByRole('columnheader').allInnerTexts(), names);
  });

  site.on('all that match go into a CSV file', '/?state=failed', async (page) => {
    await rows(page).first().waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as CSV' }).click();
    const text = readFileSync(await (await download).path(), 'utf8');
    const ids = text.match(/^[0-9a-f-]{36},/gm) ?? [];
    assert.equal(new Set(ids).size, await total(page));
    assert.ok(text.startsWith('\ufeffJobId,Name,Type,State'));
  });

  site.on('selected jobs are retried', '/?state=failed&size=25&sort=oldest', async (page) => {
    await rows(page).first().waitFor();
    const before = (await site.ask('{ jobCounts { failed } }')).jobCounts.failed;
    for (const index of [0, 2]) await rows(page).nth(index).getByRole('checkbox').check();
    await page.getByText('2 selected').waitFor();
    await page
      .getByRole('region', { name: 'Selected jobs' })
      .getByRole('button', { name: 'Retry…' })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 2 jobs' }).click();
    await page.getByText('2 jobs queued for retry.').waitFor();
    const failed = (await site.ask('{ jobCounts { failed } }')).jobCounts.failed;
    assert.equal(failed, before - 2);
    await until(async () => (await total(page)) === failed, 'the list without them');
  });

  site.on(
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
      await page.goto(site.at(link ?? ''));
      await page.getByText('operator: not needed').waitFor();
      await page.locator('.chip', { hasText: 'Cancelled' }).waitFor();
    },
  );

  test('all that match are retried, with their number first', async () => {
    const { page, complaints, close } = await site.open();
    const { id } = site.facts.failed.items[0].configuration;
    await page.goto(site.at(`/?state=failed,cancelled&configuration=${id}`));
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

  site.on('what executes is in the header of every page', '/agents', async (page) => {
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
    const { page, complaints, close } = await site.open();
    const { jobs } = await site.ask(
      `{ jobs(state: FAILED, take: 1) { items { id name type priority currentRun {
             id agentResultMessage agentTasksCount updateDate } } } }`,
    );
    const [job] = jobs.items;
    await page.goto(site.at(`/jobs/${job.id}`));
    await page.locator('.banner', { hasText: job.currentRun.agentResultMessage }).waitFor();
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), job.name);
    for (const [name, value] of [
      ['Type', job.type],
      [
        'Priority',
        new Map([
          [0, 'Low'],
          [2, 'Normal'],
          [4, 'High'],
        ]).get(job.priority),
      ],
    ]) {
      const fact = page.locator('.job-site.facts > div', {
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

  site.on('what is not known is a dash, and nothing says 100 % by itself', '/', async (page) => {
    await page.goto(site.at(`/jobs/${site.facts.queued.items[1].id}`));
    await page.getByText('Waiting for an agent').waitFor();
    const { jobs } = await site.ask(
      `{ jobs(state: FAILED, take: 200) { items { id currentRun {
             agentPercentCompleted agentExpectedTasksCount processingTasksCount } } } }`,
    );
    const job = jobs.items.find(
      ({ currentRun: run }: Answer) =>
        run.agentPercentCompleted === null && run.agentExpectedTasksCount === null,
    );
    assert.ok(job, 'the demo has a job of unknown size');
    await page.goto(site.at(`/jobs/${job.id}`));
    await page.locator('.card-figure').first().waitFor();
    assert.equal(await page.locator('.card-figure').first().innerText(), '–');
    const bar = page.getByRole('progressbar', { name: 'Agent progress' });
    assert.equal(await bar.getAttribute('aria-valuenow'), null);
  });

  test('earlier runs are a click away', async () => {
    const job = site.facts.retried.items.find(({ runs }: Answer) => runs.length > 1);
    assert.ok(job, 'the demo has a job with two runs');
    const { page, complaints, close } = await site.open();
    await page.goto(site.at(`/jobs/${job.id}`));
    await page.getByRole('link', { name: 'Run 1', exact: true }).click();
    await page.waitForURL(/run=/);
    await page.getByText('You are viewing an earlier run.').waitFor();
    await page.getByRole('link', { name: 'View current run' }).click();
    await page.waitForURL((url) => url.search === '');
    assert.deepEqual(complaints, []);
    await close();
  });

  site.on('configurations and agents have lists and pages', '/configurations', async (page) => {
    const { name } = site.facts.configurations.items[0];
    await page.getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await rows(page).first().waitFor();
    const n = Number((await page.locator('.rest.is-total .number').innerText()).replace(/\D/g, ''));
    assert.equal(await total(page), n);
    await page.getByRole('button', { name: /^Completed/ }).click();
    await page.waitForURL(/configurations\/.*state=completed/);
    await page.getByRole('link', { name: 'Agents', exact: true }).click();
    await page.getByRole('link', { name: site.facts.agents.items[0].name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name: site.facts.agents.items[0].name }).waitFor();
    await rows(page).first().waitFor();
    await until(async () => {
      const shown = (await page.locator('.rest.is-total .number').innerText()).replace(/\D/g, '');
      return Number(shown) === (await total(page));
    }, 'counts that add up');
  });

  site.on('what does not exist is said', '/', async (page) => {
    for (const [path, text] of [
      ['/jobs/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Job not found'],
      ['/jobs/nonsense', 'Job not found'],
      ['/configurations/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Configuration not found'],
      ['/agents/018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f', 'Agent not found'],
      ['/?q=no-such-name', 'No jobs match'],
    ]) {
      await page.goto(site.at(path));
      await page.getByRole('heading', { name: text }).waitFor();
    }
  });

  site.on(
    'settings: theme, zone and hours are kept, and times say their zone',
    '/',
    async (page) => {
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
    },
  );

  site.on('the keyboard is enough', '/?state=failed', async (page) => {
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
      .evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
  });
});
