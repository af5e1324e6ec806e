// The demo without agents at work, and the lists of the dashboard.

import type { Page } from 'playwright-core';
import { beforeAll } from 'vitest';
import type { Answer, Kind } from './server';
import { Site } from './site';
import { until } from './until';

/** A site with the demo's history. */
export class Demo extends Site {
  /** Counts, and jobs in some states. */
  facts: Answer;

  constructor(kind: Kind) {
    super(kind, { isDemo: true });
    beforeAll(async () => {
      this.facts = await this.ask(`{
        counts: jobCounts { failed completed total }
        failed: jobs(state: FAILED, take: 1) {
          items { id name configuration { id name } currentRun { agentResultMessage } }
        }
        executing: jobs(state: EXECUTING, take: 1) { items { id name } }
        queued: jobs(state: QUEUED, take: 2) { items { id name } }
        retried: jobs(state: COMPLETED, take: 200) { items { id runs(take: 2) { id } } }
        agents(take: 1) { items { id name } }
        configurations(take: 1) { items { id name } }
      }`);
    });
  }
}

/** The rows of the list. */
export const rows = (page: Page) => page.locator('.table-body .row');

/** Waits until the list is that of the current address, not the one before. */
export async function settled(page: Page): Promise<void> {
  await rows(page).first().waitFor();
  await until(async () => (await page.locator('.table.is-stale').count()) === 0, 'the list');
}

/** The number of jobs above the list. */
export async function total(page: Page): Promise<number> {
  const text = await page.locator('.list-count b').innerText();
  return Number(text.replace(/\D/g, ''));
}
