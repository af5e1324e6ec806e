// The browser, and pages in it that note what they should not do.
import assert from 'node:assert/strict';
import type {
  Browser,
  BrowserContext,
  BrowserContextOptions,
  Locator,
  Page,
} from 'playwright-core';
import { launch } from '../../scripts/chromium.mjs';

let browser: Promise<Browser> | undefined;

/** One browser for all test files of a process, which ends with it. */
const launched = (): Promise<Browser> => {
  browser ??= launch();
  return browser;
};

export const desktop = { width: 1440, height: 900 };
export const phone = { width: 360, height: 740 };

/**
 * Contexts that no test uses, by server and options. A context keeps its scripts compiled, so that the
 * next page of the same server opens in two thirds of the time. What a page stored is removed.
 */
const idle = new Map<string, BrowserContext[]>();

async function contextFor(key: string, options: BrowserContextOptions): Promise<BrowserContext> {
  const context = idle.get(key)?.pop();
  if (context) return context;
  const made = await (await launched()).newContext({
    viewport: desktop,
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    ...options,
  });
  made.setDefaultTimeout(60_000);
  return made;
}

/** Forgets what pages of this server stored, and what they were granted. */
async function forget(context: BrowserContext, page: Page, origin: string): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', {
    origin,
    storageTypes: 'cookies,local_storage,indexeddb,cache_storage,service_workers',
  });
  await context.clearCookies();
  await context.clearPermissions();
  for (const each of context.pages()) await each.close();
}

export interface OpenPage {
  page: Page;
  /** Errors, warnings, failed requests, and requests to other hosts. */
  complaints: string[];
  close(): Promise<void>;
}

/** A page that notes what it should not do. */
export async function open(base: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const { origin, host } = new URL(base);
  const key = JSON.stringify([origin, options]);
  const context = await contextFor(key, options);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (/^(https?|wss?):$/.test(url.protocol) && url.host !== host) complaints.push(url.href);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()}: ${response.url()}`);
  });
  const close = async () => {
    // A clock that was set is that of the context, and cannot be taken away.
    const isSpoilt = await page.evaluate(() => '__pwClock' in globalThis).catch(() => true);
    if (isSpoilt) return context.close();
    await forget(context, page, origin);
    idle.set(key, [...(idle.get(key) ?? []), context]);
  };
  return { page, complaints, close };
}

/** Closes the contexts of a server that ends. */
export async function closeContexts(base: string): Promise<void> {
  const { origin } = new URL(base);
  for (const [key, contexts] of idle) {
    if (!key.startsWith(`["${origin}"`)) continue;
    idle.delete(key);
    for (const context of contexts) await context.close();
  }
}

/** Where an element is on the page, which has it in view. */
export async function boxOf(locator: Locator): Promise<Box> {
  const box = await locator.boundingBox();
  assert.ok(box, `${locator} is drawn`);
  return box;
}

export type Box = NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>;
