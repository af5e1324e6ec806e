// GraphiQL in a real browser against the real server.
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describe, test } from 'vitest';
import { examples, groups } from '../src/graphiql/examples.js';
import { checkInBothThemes } from './support/axe';
import { boxOf, desktop } from './support/browser';
import { describeOnDatabases, type PageOptions, Site, type Steps } from './support/site';

type Example = (typeof examples)[number];

/** The last group: what changes something. */
const mutationsGroup = groups[groups.length - 1];
const lastExample = mutationsGroup.examples[mutationsGroup.examples.length - 1].title;

const phone = { width: 390, height: 844 };

const editor = (page: Page) => page.locator('.graphiql-query-editor .view-lines');
const answer = (page: Page) => page.locator('.graphiql-response .view-lines');
const execute = (page: Page) => page.getByRole('button', { name: /^Execute query/ });
const openTab = (page: Page) => page.locator('.graphiql-tab-button[aria-current="true"]');
const example = (page: Page, title: string) =>
  page.getByRole('region', { name: 'Examples', exact: true }).getByRole('button', {
    name: new RegExp(`^${title}\\b`),
  });

/** Resolves with what the server answers to the operation. */
const answerTo = async (page: Page, operation: string) => {
  const response = await page.waitForResponse(
    (each) =>
      each.url().endsWith('/graphql') && each.request().postDataJSON()?.operationName === operation,
  );
  return response.json();
};

/** All refusals within an answer. */
const refusals = (value: unknown): unknown[] =>
  value === null || typeof value !== 'object'
    ? []
    : Object.entries(value).flatMap(([name, inner]) =>
        name === 'refusal' && inner ? [inner] : refusals(inner),
      );

describeOnDatabases('GraphiQL', (kind) => {
  const demo = new Site(kind, { isDemo: true });
  const empty = new Site(kind);

  /** Runs steps in a page of a server; the page must not complain. */
  async function on(site: Site, steps: (page: Page) => Promise<void>) {
    const { page, complaints, close } = await site.open();
    try {
      await page.goto(new URL('graphiql', `${site.url}/`).href);
      await editor(page).locator('.view-line').first().waitFor();
      await steps(page);
      assert.deepEqual(complaints, []);
    } finally {
      await close();
    }
  }

  /** Opens an example and presses the button once: what it answers with. */
  async function run(page: Page, { title, query }: Pick<Example, 'title' | 'query'>) {
    await example(page, title).click();
    await openTab(page)
      .filter({ hasText: new RegExp(`^${title}$`) })
      .waitFor();
    await execute(page).waitFor();
    if (/^subscription /m.test(query)) {
      await execute(page).click();
      await answer(page)
        .filter({ hasText: /"(data|errors)"/ })
        .waitFor();
      const text = (await answer(page).innerText()).replaceAll(' ', ' ');
      assert.doesNotMatch(text, /"errors"|"(jobRun|jobCounts|executingJobs)": null/, title);
      await page.getByRole('button', { name: /^Stop query/ }).click();
      await execute(page).waitFor();
      return {};
    }
    const answered = answerTo(page, title);
    await execute(page).click();
    const { data, errors } = await answered;
    assert.equal(errors, undefined, `${title}: ${JSON.stringify(errors)}`);
    for (const [field, value] of Object.entries(data))
      assert.notEqual(value, null, `${title}.${field}`);
    assert.deepEqual(refusals(data), [], title);
    await answer(page).filter({ hasText: '"data"' }).waitFor();
    return data;
  }

  test('every example answers at the first press on the data of the demo', () =>
    on(demo, async (page) => {
      for (const each of examples) {
        const data = await run(page, each);
        if (each.title === 'claimJob') assert.ok(data.claimJob.attempt);
        if (each.title === 'reportJobRuns') {
          assert.equal(data.reportJobRuns.results[0].status, 'ACCEPTED');
        }
        if (each.title === 'finishJobRun') {
          assert.equal(data.finishJobRun.result.status, 'ACCEPTED');
        }
      }
    }));

  test('every example answers at the first press on an empty database, and leads to the next', async () => {
    await on(empty, async (page) => {
      const [queries, subscriptions, mutations] = groups.map((group) => group.examples);
      for (const each of [...queries, ...subscriptions]) {
        await run(page, each);
        if (each.needs) {
          const words = (await editor(page).innerText()).replace(/[#\s]+/g, ' ');
          assert.match(words, /then open this example again/, each.title);
        }
      }
      for (const each of mutations) await run(page, each);
      const jobRunExample = queries.find(({ title }) => title === 'jobRun');
      assert.ok(jobRunExample);
      const { jobRun } = await run(page, jobRunExample);
      assert.equal(jobRun.agentState, 'COMPLETED');
    });
  });

  test('nothing but the schema is asked for before a press, and opening an example changes nothing', () =>
    on(demo, async (page) => {
      const sent: string[] = [];
      page.on('request', (request) => {
        if (request.url().endsWith('/graphql')) sent.push(request.postDataJSON().query);
      });
      await page.reload();
      await editor(page).locator('.view-line').first().waitFor();
      for (const { title } of mutationsGroup.examples) {
        await example(page, title).click();
        await openTab(page)
          .filter({ hasText: new RegExp(`^${title}$`) })
          .waitFor();
      }
      assert.ok(sent.length > 0);
      assert.deepEqual(
        sent.filter((query) => !/^\s*query (IntrospectionQuery|exampleIds)\b/.test(query)),
        [],
      );
    }));
});

describe('GraphiQL', () => {
  const site = new Site('sqlite', { isDemo: true });
  const ready = '.graphiql-query-editor .view-lines .view-line';
  const on = (name: string, path: string, steps: Steps, options: PageOptions = {}) =>
    site.on(name, path, steps, { ready, ...options });

  on('lists its examples by group, all within reach', 'graphiql', async (page) => {
    assert.equal(await page.title(), 'GraphiQL · agent-jobs');
    for (const { title, examples: all } of groups) {
      const group = page.getByRole('region', { name: title, exact: true });
      const titles = await group.locator('code').allInnerTexts();
      assert.deepEqual(
        titles,
        all.map((each) => each.title),
      );
    }
    const last = example(page, lastExample);
    await last.scrollIntoViewIfNeeded();
    assert.ok(await last.isVisible());
  });

  on('shows the documentation of the schema', 'graphiql', async (page) => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const explorer = page.locator('.graphiql-doc-explorer');
    await explorer.getByRole('link', { name: 'Query', exact: true }).click();
    for (const { query } of groups[0].examples) {
      // The first field of the operation.
      const name = query.match(/^ {2}(\w+)/m)?.[1] ?? '';
      await explorer.getByRole('link', { name, exact: true }).first().waitFor();
    }
  });

  on('completes a field of the schema', 'graphiql', async (page) => {
    await page.getByRole('button', { name: 'New tab' }).click();
    await editor(page).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('{ jobsConn');
    const suggestion = page.locator('.graphiql-query-editor .suggest-widget .monaco-list-row', {
      hasText: 'jobsConnection',
    });
    await suggestion.first().waitFor();
  });

  on(
    'an example that is opened again is the same tab, and tabs are closed',
    'graphiql',
    async (page) => {
      for (const title of ['jobs', 'job', 'jobs', 'job']) {
        await example(page, title).click();
        await openTab(page)
          .filter({ hasText: new RegExp(`^${title}$`) })
          .waitFor();
      }
      assert.deepEqual(await page.locator('.graphiql-tab-button').allInnerTexts(), [
        'jobCounts',
        'jobs',
        'job',
      ]);
      await page.getByRole('button', { name: 'Close jobs' }).click();
      assert.deepEqual(await page.locator('.graphiql-tab-button').allInnerTexts(), [
        'jobCounts',
        'job',
      ]);
    },
  );

  on(
    'a subscription goes on showing what changes until it is stopped',
    'graphiql',
    async (page) => {
      await example(page, 'watchJobCounts').click();
      await openTab(page).filter({ hasText: 'watchJobCounts' }).waitFor();
      await execute(page).click();
      await answer(page).filter({ hasText: '"total"' }).waitFor();
      const total = async () =>
        /"total":\s*(\d+)/.exec((await answer(page).innerText()).replaceAll(' ', ' '))?.[1];
      const first = Number(await total());
      await page.evaluate(async (endpoint) => {
        const send = async (query: string) => {
          const response = await fetch(endpoint, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          });
          return (await response.json()).data;
        };
        const { configurations } = await send('{ configurations(take: 1) { items { id } } }');
        await send(`mutation { queueJobs(input: [{ configurationId: "${configurations.items[0].id}" }]) {
        results { jobId } } }`);
      }, site.at('graphql'));
      await answer(page)
        .filter({ hasText: String(first + 1) })
        .waitFor();
      await page.getByRole('button', { name: /^Stop query/ }).click();
    },
  );

  const linked =
    'query A { jobCounts { total } }\nquery B($take: Int) { jobs(take: $take) { totalCount } }';
  const link = `graphiql?${new URLSearchParams({ query: linked, variables: '{"take":3}', operationName: 'B' })}`;

  on(
    'a link opens its query in a tab of its own beside those that were open',
    'graphiql',
    async (page) => {
      await example(page, 'agents').click();
      await openTab(page).filter({ hasText: 'agents' }).waitFor();
      await page.waitForFunction(
        () => JSON.parse(localStorage.getItem('graphiql:tabState') ?? 'null')?.tabs.length === 2,
      );
      await page.goto(site.at(link));
      await openTab(page).filter({ hasText: /^B$/ }).waitFor();
      assert.deepEqual(await page.locator('.graphiql-tab-button').allInnerTexts(), [
        'jobCounts',
        'agents',
        'B',
      ]);
      const variables = page.locator('.graphiql-editor-tool .view-lines').first();
      await variables.filter({ hasText: '"take"' }).waitFor();
      // Loading the page again is not another visit.
      assert.equal(page.url(), site.at('graphiql'));

      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.getByRole('status').filter({ hasText: 'Link copied' }).waitFor();
      const copied = new URL(await page.evaluate(() => navigator.clipboard.readText()));
      assert.equal(copied.href.split('?')[0], site.at('graphiql'));
      assert.equal(copied.searchParams.get('query'), linked);
      assert.deepEqual(JSON.parse(copied.searchParams.get('variables') ?? ''), { take: 3 });
      assert.equal(copied.searchParams.get('operationName'), 'B');

      const answered = answerTo(page, 'B');
      await execute(page).click();
      await page.getByRole('menuitem', { name: 'B', exact: true }).click();
      const { data } = await answered;
      assert.ok(data.jobs.totalCount > 0);
    },
  );

  on(
    'a link without variables is executed at once by its button',
    `graphiql?query=${encodeURIComponent('{ jobCounts { total } }')}`,
    async (page) => {
      await editor(page).filter({ hasText: 'total' }).waitFor();
      const answered = page.waitForResponse(
        (each) =>
          each.url().endsWith('/graphql') && /jobCounts/.test(each.request().postData() ?? ''),
      );
      await execute(page).click();
      assert.ok((await (await answered).json()).data.jobCounts.total > 0);
    },
  );

  on('a link that cannot be copied is put into the address', 'graphiql', async (page) => {
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
    });
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('status').filter({ hasText: 'The link is in the address bar' }).waitFor();
    assert.match(page.url(), /\/graphiql\?query=/);
  });

  on('leads back to the dashboard and to the REST reference', 'graphiql', async (page) => {
    await page.getByRole('link', { name: 'REST API' }).click();
    await page.getByRole('heading', { name: 'REST API' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Dashboard' }).click();
    await page.getByRole('heading', { name: 'Jobs', exact: true }).waitFor();
  });

  on(
    'on a phone the answer has half of the height, and the examples open over the panes',
    'graphiql',
    async (page) => {
      await page.getByRole('button', { name: 'Show Examples' }).click();
      const last = example(page, lastExample);
      await last.scrollIntoViewIfNeeded();
      await example(page, 'watchExecutingJobs').click();
      await openTab(page).filter({ hasText: 'watchExecutingJobs' }).waitFor();
      await page
        .getByRole('region', { name: 'Examples', exact: true })
        .waitFor({ state: 'detached' });
      await execute(page).click();
      await answer(page).filter({ hasText: '"isSnapshot"' }).waitFor();
      const response = await boxOf(page.locator('.graphiql-response'));
      const query = await boxOf(page.locator('.graphiql-query-editor'));
      assert.ok(response.height >= phone.height / 2, `${response.height} px`);
      assert.ok(response.width > phone.width * 0.95 && response.y >= query.y + query.height);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= phone.width);
    },
    { viewport: phone, hasTouch: true },
  );

  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    on(
      `axe finds nothing, ${size}`,
      'graphiql',
      async (page) => {
        await execute(page).click();
        await answer(page).filter({ hasText: '"total"' }).waitFor();
        await checkInBothThemes(page, 'an answer');
        const open = async (name: string) => {
          const button = page.getByRole('button', { name: `Show ${name}` });
          if (await button.count()) await button.click();
        };
        await open('Examples');
        await checkInBothThemes(page, 'the examples');
        await open('Documentation Explorer');
        await page
          .locator('.graphiql-doc-explorer')
          .getByRole('link', { name: 'Query', exact: true })
          .waitFor();
        await checkInBothThemes(page, 'the documentation');
        await open('History');
        await checkInBothThemes(page, 'the history');
      },
      { viewport },
    );
  }
});
