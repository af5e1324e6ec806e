import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { examples } from '../src/graphiql/examples.js';

const address = process.env.AGENT_JOBS_URL;
if (!address) {
  throw new Error('Set AGENT_JOBS_URL to the address of a running server, with its path prefix.');
}
const server = new URL(address.endsWith('/') ? address : `${address}/`);
const graphiql = new URL('graphiql', server).href;
const endpoint = new URL('graphql', server).href;

let browser;
let page;
const foreign = [];
const complaints = [];

const isForeign = ({ protocol, host }) => /^(https?|wss?):$/.test(protocol) && host !== server.host;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Requests that Playwright does not see, such as those of workers, fail as well.
      `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${server.hostname}`,
    ],
  });
  const context = await browser.newContext();
  context.setDefaultTimeout(30_000);
  await context.route(isForeign, (route) => {
    foreign.push(route.request().url());
    return route.abort();
  });

  page = await context.newPage();
  page.on('websocket', (socket) => {
    if (isForeign(new URL(socket.url()))) foreign.push(socket.url());
  });
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(graphiql);
});

after(() => browser?.close());

test('opens with a tab for each root field', async () => {
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  assert.equal(await page.title(), 'GraphiQL · agent-jobs');
  const tabs = await page.getByRole('tab').allInnerTexts();
  assert.deepEqual(
    tabs,
    examples.map(({ title }) => title),
  );
});

test('shows the documentation of the schema', async () => {
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const explorer = page.locator('.graphiql-doc-explorer');
  await explorer.getByRole('link', { name: 'Query', exact: true }).click();
  const queries = examples.filter(({ query }) => /^query /m.test(query));
  for (const { title } of queries) {
    await explorer.getByRole('link', { name: title, exact: true }).first().waitFor();
  }
});

test('runs the jobs example', async () => {
  await page.getByRole('tab', { name: 'jobs', exact: true }).click();
  await page.locator('.graphiql-query-editor', { hasText: 'One page of jobs' }).waitFor();
  // A tab that was just opened would be run under the name of the last tab's operation. By the
  // time GraphiQL stores which tab is open, it has taken up the new name.
  await page.waitForFunction(
    (index) => JSON.parse(localStorage.getItem('graphiql:tabState'))?.activeTabIndex === index,
    examples.findIndex(({ title }) => title === 'jobs'),
  );
  const answered = page.waitForResponse((response) => response.url() === endpoint);
  await page.getByRole('button', { name: /^Execute query/ }).click();
  const { data, errors } = await (await answered).json();
  assert.equal(errors, undefined);
  assert.ok(Array.isArray(data.jobs.items));
  await page.locator('.graphiql-response .view-lines', { hasText: '"items"' }).waitFor();
});

test('completes a field of the schema', async () => {
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('{ jobsConn');
  const suggestion = page.locator('.graphiql-query-editor .suggest-widget .monaco-list-row', {
    hasText: 'jobsConnection',
  });
  await suggestion.first().waitFor();
});

test('asks no other host for anything, and reports no error', () => {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
});
