/** The locale of dates, numbers and lists: that of the language on show, see `index.ts`. */
let locale = 'en-150';

export const getLocale = (): string => locale;

export function setLocale(next: string): void {
  locale = next;
}

/** Makes a formatter for the present locale, and again only when the locale changes. */
export function perLocale<T>(make: (locale: string) => T): () => T {
  let made: { locale: string; value: T } | undefined;
  return () => {
    if (made?.locale !== locale) made = { locale, value: make(locale) };
    return made.value;
  };
}
