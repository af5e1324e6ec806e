// Jobs whose agents completed but whose data was lost: marked in the list, and found by a filter. In a
// real browser, on both databases.
import assert from 'node:assert/strict';
import { beforeAll, test } from 'vitest';
import { agentAt } from './support/agents';
import { checkInBothThemes } from './support/axe';
import { describeOnDatabases, Site } from './support/site';

describeOnDatabases('processing', (kind) => {
  const site = new Site(kind);
  beforeAll(async () => {
    const agent = agentAt(site.url);
    for (const [name, state, received] of [
      ['All received', 'COMPLETED', 10],
      ['Failed processing', 'FAILED', null],
      ['Three missing', 'COMPLETED', 7],
    ] as const) {
      const attempt = await agent.start(await agent.queue({ name }));
      const progress = { agentCluesCount: 10, agentCluesCompletedCount: 10 };
      await agent.report(attempt, 1, { agentState: 'EXECUTING', progress });
      await agent.finish(attempt, 2, 'COMPLETED');
      await agent.reportProcessing(attempt.runId, state, {
        processingTasksReceivedCluesCount: received,
      });
    }
  });

  test('failed processing and missing clues are marked in the list and have a filter', async () => {
    const { page, complaints, close } = await site.open();
    await page.goto(site.url);
    const row = (name: string) => page.locator('.table-body .row', { hasText: name });
    const only = async (name: string) => {
      await page.waitForFunction((text) => {
        const links = [...document.querySelectorAll('.row-link')];
        return links.length === 1 && links[0].textContent === text;
      }, name);
    };
    await row('All received').waitFor();
    const marks = page.locator('.table-body .row .mark');
    assert.equal(await marks.count(), 2);
    await page.getByRole('button', { name: 'More filters' }).click();
    const processing = page.getByRole('combobox', { name: 'Processing' });
    await processing.selectOption('Processing failed');
    await only('Failed processing');
    assert.equal(new URL(page.url()).search, '?processing=failed');
    await processing.selectOption('Clues missing');
    await only('Three missing');
    await page.keyboard.press('Escape');
    await checkInBothThemes(page, 'the list with a filter on processing');
    // A link shows the same.
    await page.goto(`${site.url}/?processing=failed`);
    await only('Failed processing');
    assert.deepEqual(complaints, []);
    await close();
  });
});
