// The dashboard of a server that asks for a token, in a real browser, on both databases.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { beforeAll, test } from 'vitest';
import { checkInBothThemes } from './support/axe';
import { open } from './support/browser';
import { prefixed } from './support/proxy';
import { importSample } from './support/sample';
import { command, type Database } from './support/server';
import { describeOnDatabases, Site } from './support/site';

const rows = (page: Page) => page.locator('.table-body .row');

describeOnDatabases('the dashboard with sign-in', (kind) => {
  let token = '';
  const fill = (database: Database) => importSample(database.url);
  const site = new Site(kind, { fill, options: ['--auth', 'tokens'] });

  beforeAll(() => {
    token = command(site.database.url, 'token', 'create', 'Wall', '--role', 'viewer');
  });

  async function signIn(page: Page, text: string) {
    await page.getByLabel('Access token').fill(text);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }
  const refusal = (page: Page) => page.getByText('Invalid or expired token.');

  /** Browsers complain of every 401; those are meant here. */
  const unexpected = (complaints: readonly string[]) =>
    complaints.filter((each) => !/\b401\b/.test(each));

  test('a link leads to signing in, and then to what it shows', async () => {
    const { page, complaints, close } = await site.open();
    const link = `${site.url}/?state=failed`;
    await page.goto(link);
    await checkInBothThemes(page, 'signing in');
    await signIn(page, 'nonsense');
    await refusal(page).waitFor();
    await checkInBothThemes(page, 'a wrong token');
    await signIn(page, token);
    await rows(page).first().waitFor();
    assert.equal(page.url(), link);
    const states = await page.locator('[data-column="state"]').allInnerTexts();
    assert.ok(states.length > 5 && states.every((state) => state === 'Failed'), String(states));
    assert.deepEqual(unexpected(complaints), []);
    await close();
  });

  test('a viewer sees who is signed in, can change no job, and signs out', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(site.url);
    await signIn(page, token);
    await rows(page).first().waitFor();
    for (const [state, action] of [
      ['failed', 'Retry…'],
      ['queued', 'Cancel…'],
    ]) {
      await page.goto(`${site.url}/?state=${state}`);
      const row = rows(page).first();
      await row.waitFor();
      await page.getByRole('button', { name: 'Bulk actions' }).waitFor({ state: 'detached' });
      await row.getByRole('button', { name: /^Actions for/ }).click();
      await page.getByRole('menuitem', { name: 'Copy link' }).waitFor();
      assert.equal(await page.getByRole('menuitem', { name: action }).count(), 0);
      await page.keyboard.press('Escape');
      await page.getByRole('checkbox').first().waitFor({ state: 'detached' });
      await row.locator('.row-link').click();
      await page.waitForURL(/\/jobs\//);
      await page.getByRole('button', { name: 'Raw JSON' }).waitFor();
      assert.equal(await page.getByRole('button', { name: action }).count(), 0);
    }
    await page.getByRole('button', { name: 'Settings' }).click();
    const settings = page.getByRole('dialog', { name: 'Settings' });
    await settings.getByText('Wall', { exact: true }).waitFor();
    await settings.getByText(/^viewer, until/).waitFor();
    await settings.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/\/sign-in$/);
    await page.goBack();
    await page.waitForURL(/\/sign-in\?next=jobs/);
    await page.getByLabel('Access token').waitFor();
    assert.deepEqual(complaints, []);
    await close();
  });

  test('signing in below a path prefix without its slash', async () => {
    const proxy = await prefixed('/ops', site.url);
    const { page, close } = await open(proxy.url);
    try {
      await page.goto(`${proxy.url}/ops`);
      await page.waitForURL(`${proxy.url}/ops/sign-in`);
      await signIn(page, token);
      await rows(page).first().waitFor();
      assert.equal(page.url(), `${proxy.url}/ops/`);
    } finally {
      await close();
      proxy.close();
    }
  });

  test('a token that is revoked ends what is open within seconds', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(`${site.url}/?state=executing`);
    await signIn(page, token);
    await rows(page).first().locator('.row-link').click();
    await page.waitForURL(/\/jobs\//);
    await page.locator('.live.is-socket').waitFor();
    const link = page.url();
    command(site.database.url, 'token', 'revoke', 'Wall');
    const end = page.getByRole('heading', { name: 'Your session has ended' });
    await end.waitFor({ timeout: 10_000 });
    // Nothing of before is left to see.
    assert.equal(
      await page
        .locator('.top-tools')
        .getByText(/executing/)
        .count(),
      0,
    );
    await checkInBothThemes(page, 'signed out');
    await page.getByRole('link', { name: 'Sign in' }).click();
    await signIn(page, token);
    await refusal(page).waitFor();
    await signIn(page, command(site.database.url, 'token', 'create', 'Office', '--role', 'viewer'));
    await page.locator('.job-head h1').waitFor();
    assert.equal(page.url(), link);
    assert.deepEqual(unexpected(complaints), []);
    await close();
  });
});
