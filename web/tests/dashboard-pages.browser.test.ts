// The dashboard's other pages on the history of the demo, the header of all of them, the settings and the
// keyboard. In a real browser, on both databases.
import assert from 'node:assert/strict';
import { test } from 'vitest';
import { Demo, rows, total } from './support/demo';
import type { Answer } from './support/server';
import { describeOnDatabases } from './support/site';
import { until } from './support/until';

describeOnDatabases('the pages of the dashboard', (kind) => {
  const site = new Demo(kind);

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
