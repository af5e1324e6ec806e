// What the dashboard's pages look like on the data of the demo, in both themes, on desktops and phones,
// and in German. In a real browser, on one database: the pages are the same whatever it is.
import assert from 'node:assert/strict';
import { describe } from 'vitest';
import { checkAsItIs } from './support/axe';
import { desktop, phone } from './support/browser';
import { Demo, rows, settled, total } from './support/demo';
import { kinds } from './support/server';
import { onlyIn, readable } from './support/texts';

describe("the dashboard's looks", () => {
  const site = new Demo(kinds[0]);

  site.on('German is chosen in the settings, and nothing is left in English', '/', async (page) => {
    await rows(page).first().waitFor();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByRole('combobox', { name: 'Language' }).selectOption('Deutsch');
    // At once, with the menu still open.
    const settings = page.getByRole('dialog', { name: 'Einstellungen' });
    await settings.getByText('Zeitzone').waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    await page.reload();
    await settled(page);
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    const inGerman = (n: number) => n.toLocaleString('de-DE');
    assert.ok(site.facts.counts.total > 999, 'a number with a separator');
    assert.equal(
      await page.locator('.list-count').innerText(),
      `${inGerman(await total(page))} Jobs`,
    );

    const english = await onlyIn('en', 'de');
    assert.ok(english.length > 250 && english.includes('Least recently updated'));
    // What the data says is in no language.
    const names = new Set(['Message', 'Name']);
    const assertGerman = async (where: string) => {
      const leaks = (await readable(page)).filter((text) =>
        english.some(
          (each) =>
            !names.has(each) &&
            (text === each || (each.includes(' ') && each.length > 9 && text.includes(each))),
        ),
      );
      assert.deepEqual(leaks, [], where);
      await checkAsItIs(page, where);
    };
    const title = (text: string) => page.waitForFunction((text) => document.title === text, text);

    await assertGerman('jobs');
    for (const label of ['Status', 'Konfiguration', 'Agent', 'Erstellt', 'Spalten']) {
      await page.locator('.filter', { hasText: label }).first().click();
      await page.locator('.popover').waitFor();
      await assertGerman(label);
      await page.keyboard.press('Escape');
      await page.locator('.popover').waitFor({ state: 'detached' });
    }
    await page.goto(site.at('/?state=failed&size=25'));
    await settled(page);
    await rows(page).first().getByRole('checkbox').check();
    await page.getByRole('region', { name: 'Ausgewählte Jobs' }).waitFor();
    await page.getByRole('button', { name: 'Wiederholen…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '1 Job wiederholen' }).waitFor();
    await assertGerman('retry');
    // Other tests retry jobs that had failed at the start.
    const { jobs } = await site.ask('{ jobs(state: FAILED, take: 1) { items { id name } } }');
    const [failed] = jobs.items;
    await page.goto(site.at(`/jobs/${failed.id}`));
    await page.getByText('Lauf fehlgeschlagen').waitFor();
    await title(`✕ ${failed.name} · agent-jobs`);
    await assertGerman('a failed job');
    for (const { id } of [site.facts.executing.items[0], site.facts.queued.items[1]]) {
      await page.goto(site.at(`/jobs/${id}`));
      await page.locator('.job-head h1').waitFor();
      await assertGerman(`job ${id}`);
    }
    await page.goto(site.at('/jobs/nonsense'));
    await page.getByRole('heading', { name: 'Job nicht gefunden' }).waitFor();
    await assertGerman('no job');
    for (const [path, name, { id }] of [
      ['configurations', 'Konfigurationen', site.facts.configurations.items[0]],
      ['agents', 'Agenten', site.facts.agents.items[0]],
    ]) {
      await page.goto(site.at(`/${path}`));
      await title(`${name} · agent-jobs`);
      await page.locator('.row-link').first().waitFor();
      await assertGerman(path);
      await page.goto(site.at(`/${path}/${id}?size=25`));
      await settled(page);
      const created = await page.locator('.facts time:not([title])').innerText();
      const month = 'Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez';
      assert.match(created, new RegExp(`^\\d\\d\\. (${month})\\.? \\d{4}, \\d\\d:\\d\\d:\\d\\d`));
      await assertGerman(`${path}, one of them`);
    }
    await page.locator('.executing-button').click();
    await page.locator('.executing-job').first().waitFor();
    await assertGerman('executing jobs');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Einstellungen' }).click();
    await assertGerman('settings');
    await page.getByRole('button', { name: 'Tastenkürzel' }).click();
    await page.getByRole('dialog', { name: 'Tastenkürzel' }).waitFor();
    await assertGerman('shortcuts');
  });

  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const name = `axe finds nothing, and nothing is cut off, on a ${size}, ${colorScheme}`;
      site.on(
        name,
        '/',
        async (page) => {
          for (const path of [
            '/?size=25',
            '/?state=failed&size=25',
            `/jobs/${site.facts.failed.items[0].id}`,
            `/jobs/${site.facts.executing.items[0].id}`,
            '/configurations',
            `/configurations/${site.facts.configurations.items[0].id}?size=25`,
            '/agents',
            `/agents/${site.facts.agents.items[0].id}?size=25`,
          ]) {
            await page.goto(site.at(path));
            await page.locator('.row-link, .job-head h1').first().waitFor();
            await checkAsItIs(page, path);
            const overflow = await page.evaluate(
              () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            assert.ok(overflow <= 0, `${path} is ${overflow} px too wide`);
          }
          await page.getByRole('button', { name: 'Settings' }).click();
          await checkAsItIs(page, 'settings');
          await page.keyboard.press('Escape');
          await page.locator('.executing-button').click();
          await page.locator('.executing-job').first().waitFor();
          await checkAsItIs(page, 'the executing jobs');
        },
        { viewport, colorScheme },
      );
    }
  }
});
