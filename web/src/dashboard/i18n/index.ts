/**
 * The dashboard's texts in the language that its user reads. All of them are in `en.tsx` and
 * `de.tsx`; English is the source, and a text that another language lacks is a type error.
 */
import { useSyncExternalStore } from 'react';
import { en } from './en';
import { setLocale } from './locale';

export type Messages = typeof en;

/**
 * Each language with its name in that language, its locale, and how its texts are loaded.
 * `en-150` is English with the day before the month, and with `3.1M` where `en-GB` has `3.1m`.
 */
const languages = {
  en: { name: 'English', locale: 'en-150', load: async (): Promise<Messages> => en },
  de: { name: 'Deutsch', locale: 'de-DE', load: async () => (await import('./de')).de },
} as const;

export type Language = keyof typeof languages;
/** `auto` follows the languages that the browser is set to. */
export type LanguageSetting = 'auto' | Language;

export const languageNames = Object.entries(languages).map(
  ([language, { name }]) => [language as Language, name] as const,
);

export const isLanguage = (text: unknown): text is Language =>
  typeof text === 'string' && Object.hasOwn(languages, text);

/**
 * The texts. Read them while rendering, as in `t.jobs.title`, and keep none in a constant: `App`
 * and rows that are memoised render again when the language changes.
 */
export let t: Messages = en;

let language: Language = 'en';
let wanted: Language = language;
const listeners = new Set<() => void>();

/** The first of the browser's languages that the dashboard has; English if it has none. */
export function preferredLanguage(tags: readonly string[]): Language {
  return tags.map((tag) => tag.toLowerCase().split('-')[0]).find(isLanguage) ?? 'en';
}

/** Shows the dashboard in a language once its texts are there; rejects if they cannot be loaded. */
export async function setLanguage(setting: LanguageSetting): Promise<void> {
  const next = setting === 'auto' ? preferredLanguage(navigator.languages) : setting;
  wanted = next;
  if (next === language) return;
  const messages = await languages[next].load();
  // Another one may have been chosen meanwhile.
  if (wanted !== next) return;
  t = messages;
  language = next;
  setLocale(languages[next].locale);
  document.documentElement.lang = next;
  for (const listener of listeners) listener();
}

/** The language on show; what calls this renders again when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => language,
  );
}
