// The dashboard's list of jobs on the history of the demo: filters, pages, columns, files, actions. In a
// real browser, on both databases.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { checkAsItIs } from './support/axe';
import { Demo, rows, settled, total } from './support/demo';
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
      .getByRole('columnheader', { name: 'Finished' })
      .getByRole('button', { name: 'Finished' })
      .click();
    await page.waitForURL(/sort=finished-up/);
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
});
