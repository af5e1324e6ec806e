// The dashboard's texts, to look for those of one language on a page in another.
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { ReactElement } from 'react';
import { runnerImport } from 'vite';

type Language = 'en' | 'de';

const load = async (language: Language): Promise<unknown> => {
  const path = fileURLToPath(new URL(`../../src/dashboard/i18n/${language}.tsx`, import.meta.url));
  return (await runnerImport<Record<Language, unknown>>(path)).module[language];
};

/** All texts; of one that is made from parts, what stands between them. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value === 'function') {
    try {
      return textsOf(value('§', '§')).flatMap((text) => text.split(/§|NaN/));
    } catch {
      return [];
    }
  }
  if (typeof value !== 'object' || value === null) return [];
  return '$$typeof' in value
    ? textsOf((value as unknown as ReactElement<{ children?: unknown }>).props.children)
    : Object.values(value).flatMap(textsOf);
}

const trimmed = (texts: readonly string[]) =>
  texts.map((text) => text.trim()).filter((text) => /\p{L}{3}/u.test(text));

/** The texts of one language that the other one does not have. */
export async function onlyIn(language: Language, other: Language): Promise<string[]> {
  const others = new Set(trimmed(textsOf(await load(other))));
  return [...new Set(trimmed(textsOf(await load(language))))].filter((text) => !others.has(text));
}

/** What is to be read on a page, by people and by screen readers. */
export const readable = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode as Text;
      // Names of fields, and languages in their own words.
      if (!text.parentElement?.closest('script, noscript, pre, code, .mono, [lang]:not(html)')) {
        texts.push(text.data);
      }
    }
    for (const name of ['aria-label', 'aria-valuetext', 'title', 'placeholder']) {
      for (const element of document.querySelectorAll(`[${name}]`)) {
        texts.push(element.getAttribute(name) ?? '');
      }
    }
    return [...new Set(texts.map((text) => text.trim()))];
  });
