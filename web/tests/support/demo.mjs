// The demo without agents at work, and the lists of the dashboard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from './browser.mjs';
import { ask, createDatabase, serve } from './server.mjs';
import { until } from './until.mjs';

/** Starts the demo. Its facts are counts, and jobs in some states. */
export async function startDemo(kind) {
  const database = createDatabase(kind);
  const server = await serve('demo', database.url, { options: ['--agents', '0'] });
  const facts = await ask(
    server.url,
    `{
      counts: jobCounts { failed completed total }
      failed: jobs(state: FAILED, take: 1) {
        items { id name configuration { id name } currentRun { agentResultMessage } }
      }
      executing: jobs(state: EXECUTING, take: 1) { items { id name } }
      queued: jobs(state: QUEUED, take: 2) { items { id name } }
      retried: jobs(state: COMPLETED, take: 200) { items { id runs(take: 2) { id } } }
      agents(take: 1) { items { id name } }
      configurations(take: 1) { items { id name } }
    }`,
  );
  return { database, server, facts };
}

/** Runs steps as a test on the page at an address, which must not complain. */
export function testPage(browser, name, url, steps, options) {
  test(name, async () => {
    const address = new URL(url());
    const { page, complaints, close } = await open(browser(), address.origin, options);
    try {
      await page.goto(address.href);
      await steps(page);
      assert.deepEqual(complaints, []);
    } finally {
      await close();
    }
  });
}

/** The rows of the list. */
export const rows = (page) => page.locator('.table-body .row');

/** Waits until the list is that of the current address, not the one before. */
export async function settled(page) {
  await rows(page).first().waitFor();
  await until(async () => (await page.locator('.table.is-stale').count()) === 0, 'the list');
}

/** The number of jobs above the list. */
export async function total(page) {
  const text = await page.locator('.list-count b').innerText();
  return Number(text.replace(/\D/g, ''));
}
