// The pages of agents: which are silent, which fail, and what their last runs were. In a real browser, on
// both databases.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { beforeAll, test } from 'vitest';
import { agentAt } from './support/agents';
import { checkInBothThemes } from './support/axe';
import { describeOnDatabases, Site } from './support/site';

const HOUR = 3_600_000;

describeOnDatabases('agents', (kind) => {
  const site = new Site(kind);
  const idle = randomUUID();

  beforeAll(async () => {
    const crawler = agentAt(site.url);
    for (const [name, outcome, message] of [
      ['first', 'COMPLETED'],
      ['second', 'FAILED', 'no route to host'],
    ]) {
      const attempt = await crawler.start(await crawler.queue({ name }));
      await crawler.finish(attempt, 1, outcome, message);
    }
    await site.ask(
      'mutation ($input: RegisterAgentInput!) { registerAgent(input: $input) { refusal { message } } }',
      { input: { id: idle, name: 'an idle agent' } },
    );
  });

  const names = (page: Page) => page.locator('tbody .row-link').allInnerTexts();

  test('a silent agent is marked, counted and first; one that claims in vain is not', async () => {
    const { page, complaints, close } = await site.open();
    const now = Date.now();
    await page.clock.setFixedTime(now);
    await page.goto(`${site.url}/agents`);
    await page.getByRole('link', { name: 'an idle agent', exact: true }).waitFor();
    assert.equal(await page.locator('.silent').count(), 0);
    assert.deepEqual(await names(page), ['an idle agent', 'crawler']);
    // An hour later, of the two only the idle one has asked for work.
    const later = new Date(now + HOUR).toISOString();
    await page.route('**/graphql', async (route) => {
      if (!route.request().postData()?.includes('AgentList')) return route.fallback();
      const answer = await route.fetch();
      const body = await answer.json();
      for (const agent of body.data?.agents?.items ?? []) {
        if (agent.id === idle) agent.lastSeen = later;
      }
      await route.fulfill({ response: answer, json: body });
    });
    await page.clock.setFixedTime(now + HOUR);
    await page.reload();
    await page.getByText('1 silent', { exact: true }).waitFor();
    assert.deepEqual(await names(page), ['crawler', 'an idle agent']);
    const row = page.getByRole('row', { name: /crawler/ });
    await row.getByText('Silent', { exact: true }).waitFor();
    assert.match((await row.locator('.silent').getAttribute('title')) ?? '', /3 minutes/);
    await checkInBothThemes(page, page.url());
    assert.deepEqual(complaints, []);
    await close();
  });

  test('the list is searched and sorted by its headers', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/agents`);
    const failed = page.getByRole('button', { name: 'Failed (last 20 runs)' });
    await failed.click();
    assert.deepEqual(await names(page), ['crawler', 'an idle agent']);
    await failed.click();
    assert.deepEqual(await names(page), ['an idle agent', 'crawler']);
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('CRAW');
    assert.deepEqual(await names(page), ['crawler']);
    await page.getByRole('searchbox', { name: 'Find agents' }).fill('nothing like it');
    await page.getByText('No matching agents').waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('a run tells which job it was, when and why', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/agents`);
    const run = page.locator('.outcome').first();
    const title = await run.getAttribute('title');
    assert.match(title ?? '', /^Failed: second\n.+\nno route to host$/);
    await run.click();
    await page.getByRole('heading', { level: 1, name: 'second' }).waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test("an agent's page has its last sign and the end of its id", async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/agents/${idle}`);
    await page
      .getByText(`…${idle.slice(-12)}`, { exact: true })
      .first()
      .waitFor();
    await page.locator('.facts > div', { hasText: /Last seen\s*(.*ago|just now)/ }).waitFor();
    assert.equal(await page.getByText('Last report').count(), 0);
    await page
      .getByRole('button', { name: /Copy.*ID/i })
      .first()
      .click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), idle);
    assert.deepEqual(complaints, []);
    await close();
  });

  test('configurations are sorted by their failures', async () => {
    await site.ask(
      `mutation ($input: SaveConfigurationInput!) {
          saveConfiguration(input: $input) { refusal { message } }
        }`,
      { input: { name: 'A source without jobs' } },
    );
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/configurations`);
    await page.getByRole('link', { name: 'HubSpot EU' }).waitFor();
    assert.deepEqual(await names(page), ['A source without jobs', 'HubSpot EU']);
    await page.getByRole('button', { name: 'Failed' }).click();
    assert.deepEqual(await names(page), ['HubSpot EU', 'A source without jobs']);
    const search = page.getByRole('searchbox', { name: 'Find configurations' });
    await search.fill('hubspot');
    assert.deepEqual(await names(page), ['HubSpot EU']);
    await search.fill('nothing like it');
    await page.getByText('No matching configurations').waitFor();
    await search.fill('');
    await page.locator('th[aria-sort="descending"]', { hasText: 'Failed' }).waitFor();
    await checkInBothThemes(page, page.url());
    assert.deepEqual(complaints, []);
    await close();
  });
});
