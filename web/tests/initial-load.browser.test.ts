// What the first page costs over the network: its files and its data, as they are sent. In a real
// browser, on one database: the pages are the same whatever it is.
import assert from 'node:assert/strict';
import { describe } from 'vitest';
import { Demo, rows } from './support/demo';
import { kinds } from './support/server';

/** The files and the data of the first page, compressed, with their headers. */
const MOST = 210 * 1_024;

describe('the initial load', () => {
  const site = new Demo(kinds[0]);

  site.on('the list of jobs, with its data', '/openapi', async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.clearBrowserCache');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    const urls = new Map<string, string>();
    const sizes = new Map<string, number>();
    session.on('Network.requestWillBeSent', ({ requestId, request }) => {
      urls.set(requestId, new URL(request.url).pathname);
    });
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      // What the page before still loads is not of this one.
      if (urls.has(requestId)) sizes.set(requestId, encodedDataLength);
    });
    await page.goto(site.url, { waitUntil: 'load' });
    await rows(page).first().waitFor();
    await page.waitForLoadState('networkidle');
    const loaded = [...sizes]
      .map(([id, bytes]) => ({ path: urls.get(id) ?? '', bytes }))
      .sort((a, b) => b.bytes - a.bytes);
    const told = loaded.map(({ path, bytes }) => `${bytes} ${path}`).join('\n');
    const sum = (all: typeof loaded) => all.reduce((total, { bytes }) => total + bytes, 0);
    const data = loaded.filter(({ path }) => path.endsWith('/graphql'));
    // The measurement is whole: the page, scripts, styles, fonts, and the answers of the API.
    for (const part of [/^\/$/, /\.js$/, /\.css$/, /\.woff2$/, /\/graphql$/]) {
      assert.ok(
        loaded.some(({ path, bytes }) => part.test(path) && bytes > 500),
        `${part}\n${told}`,
      );
    }
    assert.ok(sum(data) > 2_000, told);
    assert.ok(sum(loaded) < MOST, `${sum(loaded)} bytes\n${told}`);
    console.info(`initial load: ${Math.round(sum(loaded) / 1_024)} KiB\n${told}`);
  });
});
