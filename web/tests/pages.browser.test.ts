// The pages that the server writes itself, in a real browser.
import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page, Response } from 'playwright-core';
import { beforeAll, describe, test } from 'vitest';
import { checkInBothThemes } from './support/axe';
import { desktop } from './support/browser';
import { command } from './support/server';
import { Site } from './support/site';

const sizes = Object.entries({ desktop, phone: { width: 390, height: 844 } });

interface MeantOptions extends BrowserContextOptions {
  /** A status that the page may complain of. */
  meant?: number;
}

type PageSteps = (page: Page, response: Response) => Promise<unknown>;

/** Steps on a page of a server, which complains of nothing but the status that is meant. */
const onPages =
  (site: Site) =>
  (name: string, path: string, steps: PageSteps, { meant, ...options }: MeantOptions = {}) =>
    test(name, async () => {
      const { page, complaints, close } = await site.open(options);
      try {
        const response = await page.goto(site.at(path));
        assert.ok(response);
        await steps(page, response);
        const isMeant = (complaint: string) => meant && complaint.includes(String(meant));
        assert.deepEqual(
          complaints.filter((each) => !isMeant(each)),
          [],
        );
      } finally {
        await close();
      }
    });

const fits = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

describe('pages of a server that everyone may use', () => {
  const site = new Site('sqlite');
  const on = onPages(site);

  for (const [size, viewport] of sizes) {
    on(
      `the REST reference is whole without scrolling sideways and axe finds nothing, ${size}`,
      'openapi',
      async (page) => {
        assert.ok(await fits(page));
        for (const summary of await page.locator('summary').all()) await summary.click();
        assert.ok(await fits(page));
        await checkInBothThemes(page, 'the REST reference');
        assert.doesNotMatch(await page.locator('body').innerText(), /`/);
        assert.equal(await page.evaluate(() => document.fonts.check('14px Geist')), true);
      },
      { viewport },
    );

    on(
      `an unknown address has a page with a way back and axe finds nothing, ${size}`,
      'jobs/a/b',
      async (page, response) => {
        assert.equal(response.status(), 404);
        await page.getByRole('heading', { name: 'Page not found' }).waitFor();
        assert.ok(await fits(page));
        await checkInBothThemes(page, 'an unknown address');
        await page.getByRole('link', { name: 'All jobs' }).click();
        await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
        assert.equal(page.url(), `${site.url}/`);
      },
      { viewport, meant: 404 },
    );
  }

  on(
    'the table of contents of the REST reference leads to its parts, and the page to others',
    'openapi',
    async (page) => {
      const contents = page.getByRole('navigation', { name: 'On this page' });
      for (const link of await contents.getByRole('link').all()) {
        await link.click();
        const { hash, pathname } = new URL(page.url());
        assert.equal(pathname, '/openapi');
        assert.ok(await page.locator(hash).isVisible(), hash);
      }
      await page.getByRole('link', { name: 'GraphiQL', exact: true }).first().click();
      await page.waitForURL(/\/graphiql$/);
      await page.goBack();
      await page.getByRole('link', { name: 'Dashboard' }).click();
      await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
    },
  );

  test('a program that asks for an unknown address gets text, and one of the API a problem', async () => {
    for (const accept of ['application/json', '*/*']) {
      const response = await fetch(`${site.url}/nope`, { headers: { accept } });
      assert.equal(response.status, 404);
      assert.equal(await response.text(), '404 Not found\n');
    }
    const problem = await fetch(`${site.url}/api/v1/nope`, { headers: { accept: 'text/html' } });
    assert.equal(problem.status, 404);
    assert.equal((await problem.json()).code, 'NOT_FOUND');
  });

  on(
    'an address of a job is the dashboard, whether or not there is the job',
    'jobs/nope',
    async (_page, response) => {
      assert.equal(response.status(), 200);
    },
  );
});

describe('signing in', () => {
  const site = new Site('sqlite', { options: ['--auth', 'tokens'] });
  let token = '';
  beforeAll(() => {
    token = command(site.database.url, 'token', 'create', 'Wall', '--role', 'viewer');
  });
  const on = onPages(site);
  const field = (page: Page) => page.getByLabel('Access token');

  for (const [size, viewport] of sizes) {
    on(
      `the form has the focus in its field, tells what is wrong, and axe finds nothing, ${size}`,
      'sign-in',
      async (page) => {
        const focused = () => page.evaluate(() => document.activeElement?.id);
        assert.equal(await focused(), 'token');
        assert.ok(await fits(page));
        await checkInBothThemes(page, 'signing in');
        assert.equal(
          await field(page).evaluate((input) => getComputedStyle(input).fontSize),
          '16px',
        );
        assert.equal(await field(page).getAttribute('autocomplete'), 'current-password');

        await field(page).fill('nonsense');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').filter({ hasText: 'Invalid or expired token.' }).waitFor();
        assert.equal(await page.title(), 'Error: Sign in · agent-jobs');
        assert.equal(await focused(), 'token');
        // What a screen reader reads out with the field that has the focus.
        const described = await field(page).evaluate(
          (input) =>
            document.getElementById(input.getAttribute('aria-describedby') ?? '')?.textContent,
        );
        assert.equal(described, 'Invalid or expired token.');
        assert.equal(await field(page).getAttribute('aria-invalid'), 'true');
        await checkInBothThemes(page, 'a wrong token');
      },
      { viewport, meant: 401 },
    );
  }

  on(
    'a browser without JavaScript signs in and comes to what it asked for',
    'graphiql',
    async (page) => {
      await page.waitForURL(/\/sign-in\?next=graphiql$/);
      await page
        .getByText('Ask your administrator for a token (agent-jobs token create).')
        .waitFor();
      await field(page).fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.waitForURL(/\/graphiql$/);
    },
    { javaScriptEnabled: false },
  );
});
