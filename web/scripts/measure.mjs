// Measures what the dashboard costs a browser while many jobs change: how long scripts run in each
// frame, and how much memory stays in use.
//   AGENT_JOBS_URL=http://127.0.0.1:8080 node scripts/measure.mjs [SECONDS]
// The server should have many jobs, and `agent-jobs simulate --agents 200 --runs 10` at work.
import { launch } from './browser.mjs';

const seconds = Number(process.argv[2] ?? 60);
const server = process.env.AGENT_JOBS_URL;
if (!server) throw new Error('Set AGENT_JOBS_URL to the address of a running server.');

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const part = (values, share) =>
  values.toSorted((a, b) => a - b)[Math.min(Math.floor(values.length * share), values.length - 1)];

const browser = await launch();
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
await page.goto(new URL('/?state=executing&size=200', server).href);
await page.locator('.table-body .row').first().waitFor({ timeout: 120_000 });
await page.locator('.executing-button.is-busy').waitFor({ timeout: 120_000 });

const client = await page.context().newCDPSession(page);
await client.send('Performance.enable');
const metrics = async () => {
  const { metrics } = await client.send('Performance.getMetrics');
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
};

/** What scripts took in each frame for some time, in milliseconds, and the heap after it. */
async function watch(name) {
  const frames = [];
  const heaps = [];
  const end = Date.now() + seconds * 1_000;
  // The sum of all scripts between one frame and the next, as the browser itself counts it.
  let before = await metrics();
  let count = await page.evaluate(
    () =>
      new Promise((resolve) => {
        globalThis.frames_seen = 0;
        const next = () => {
          globalThis.frames_seen += 1;
          requestAnimationFrame(next);
        };
        requestAnimationFrame(() => {
          next();
          resolve(0);
        });
      }),
  );
  let collectAt = 0;
  while (Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = await metrics();
    const seen = await page.evaluate(() => globalThis.frames_seen);
    if (seen > count) {
      frames.push(((now.ScriptDuration - before.ScriptDuration) * 1_000) / (seen - count));
    }
    before = now;
    count = seen;
    if (Date.now() > collectAt) {
      collectAt = Date.now() + 10_000;
      await client.send('HeapProfiler.collectGarbage');
      heaps.push((await metrics()).JSHeapUsedSize / 1_048_576);
    }
  }
  const executing = await page.locator('.executing-count').innerText();
  console.log(
    `${name}: ${executing} executing; scripts per frame: median ${median(frames).toFixed(2)} ms, ` +
      `95 % under ${part(frames, 0.95).toFixed(2)} ms; heap after collection, in MiB: ` +
      heaps.map((heap) => heap.toFixed(1)).join(' '),
  );
}

await watch('list');
await page.locator('.executing-button').click();
await page.locator('.executing-job').first().waitFor();
await watch('list and popover');
await browser.close();
