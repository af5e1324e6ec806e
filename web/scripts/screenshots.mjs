// Takes the README's pictures of the dashboard, from a demo that has just been filled:
//   AGENT_JOBS_URL=http://127.0.0.1:8080 node scripts/screenshots.mjs ../docs
import { join } from 'node:path';
import { launch } from './chromium.mjs';

const [folder] = process.argv.slice(2);
const server = process.env.AGENT_JOBS_URL;
if (!folder || !server) {
  throw new Error('usage: AGENT_JOBS_URL=http://host:port node screenshots.mjs FOLDER');
}
const at = (path) => new URL(path, server.endsWith('/') ? server : `${server}/`).href;

async function ask(query) {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query });
  const response = await fetch(at('graphql'), { method: 'POST', headers, body });
  return (await response.json()).data;
}

/** A job that has something to show: it runs, is neither new nor nearly done, and submits. */
async function telling() {
  const { executingJobs } = await ask(
    `{ executingJobs { id currentRun {
         isStale agentPercentCompleted agentTasksFailedCount processingTasksCount
         estimatedRemaining } } }`,
  );
  const score = ({ currentRun: run }) =>
    (run.isStale ? -5 : 0) +
    (run.agentTasksFailedCount > 0 ? 2 : 0) +
    (run.processingTasksCount > 0 ? 2 : 0) +
    (run.agentPercentCompleted > 15 && run.agentPercentCompleted < 70 ? 2 : 0) +
    (run.estimatedRemaining > 120_000 ? 2 : 0);
  return executingJobs.toSorted((a, b) => score(b) - score(a))[0].id;
}

const browser = await launch();
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    timezoneId: 'UTC',
    colorScheme,
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const shoot = (name) => page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });

  await page.goto(at(''));
  await page.locator('.table-body .row').first().waitFor();
  await page.locator('.live.is-socket').waitFor();
  await page.locator('.executing-button.is-busy').waitFor();
  await page.getByRole('button', { name: 'Running' }).click();
  // Until the list is that of the tab, not the one before.
  await page.waitForURL(/state=executing/);
  await page.locator('.table:not(.is-stale) [data-column="progress"] .bar').first().waitFor();
  await page.locator('.table-body .row', { hasText: 'Executing' }).first().waitFor();
  await shoot('jobs');

  await page.goto(at(`jobs/${await telling()}`));
  await page.locator('.job-head h1').waitFor();
  // The rate is drawn from a few reports.
  await page.waitForTimeout(15_000);
  await shoot('job');

  await page.goto(at('failures'));
  await page.locator('.groups tbody tr').first().waitFor();
  await shoot('failures');

  await page.goto(at('overview?time=week'));
  await page.locator('.chart').first().waitFor();
  await page.locator('.by-group tbody tr').first().waitFor();
  await shoot('overview');
  await context.close();
}
await browser.close();
