// Takes the README's picture of GraphiQL, with the answer to the `jobs` example.
//   AGENT_JOBS_URL=http://127.0.0.1:8080 node scripts/screenshot.mjs ../docs/graphiql.png
import { chromium } from 'playwright-core';

const [file] = process.argv.slice(2);
if (!file || !process.env.AGENT_JOBS_URL) {
  throw new Error('usage: AGENT_JOBS_URL=http://host:port node screenshot.mjs FILE.png');
}
const address = process.env.AGENT_JOBS_URL;
const server = new URL(address.endsWith('/') ? address : `${address}/`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const page = await browser.newPage({
  viewport: { width: 1440, height: 860 },
  colorScheme: 'dark',
});
await page.goto(new URL('graphiql', server).href);
await page.locator('.graphiql-query-editor .view-line').first().waitFor();
await page.getByRole('tab', { name: 'jobs', exact: true }).click();
await page.locator('.graphiql-query-editor', { hasText: 'One page of jobs' }).waitFor();
await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
await page
  .locator('.graphiql-doc-explorer')
  .getByRole('link', { name: 'Query', exact: true })
  .click();
await page.waitForFunction(
  () => JSON.parse(localStorage.getItem('graphiql:tabState'))?.activeTabIndex > 0,
);
await page.getByRole('button', { name: /^Execute query/ }).click();
await page.locator('.graphiql-response .view-lines', { hasText: '"items"' }).waitFor();
// The editors colour their text a moment after they have it.
await page.waitForTimeout(1_000);
await page.screenshot({ path: file });
await browser.close();
