import assert from 'node:assert/strict';

/** Waits until something holds, however long a slow machine takes. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 60_000;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) assert.fail(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
