import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Pages of servers on other databases than the first that is tested. */
const repeated = new WeakSet<Page>();

/** Says that a test has the same page on another database, where axe would find the same. */
export const isRepeated = (page: Page): void => {
  repeated.add(page);
};

interface Violation {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** Asserts that axe finds nothing on a page in the theme that it has. */
export async function checkAsItIs(page: Page, where: string): Promise<void> {
  if (repeated.has(page)) return;
  // The page has drawn itself, and what changes over time, colours among it, has come to its end.
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
  });
  await page.evaluate(axe);
  const violations = await page.evaluate(async (values) => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: Violation[] }> };
    };
    return (await axe.run({ runOnly: values, resultTypes: ['violations'] })).violations;
  }, tags);
  const told = violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary}`),
  );
  assert.deepEqual(told, [], where);
}

/** The same in both themes. */
export async function checkInBothThemes(page: Page, where: string): Promise<void> {
  if (repeated.has(page)) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await checkAsItIs(page, `${where}, ${colorScheme}`);
  }
}
