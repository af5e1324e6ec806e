import { perLocale } from '../i18n/locale';

/** What stands where nothing is known. */
export const NONE = '–';

const whole = perLocale((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
const tenths = perLocale(
  (locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
);
const short = perLocale(
  (locale) => new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }),
);
const percents = perLocale(
  (locale) =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: 'percent', maximumFractionDigits: 0 }),
);
const percentTenths = perLocale(
  (locale) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: 'percent',
      minimumFractionDigits: 1,
      maximumFractionDigits: 1,
    }),
);
const plurals = perLocale((locale) => new Intl.PluralRules(locale));

/** A count in full; an en dash for null, never 0. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? NONE : whole().format(n);
}

/** A count in little room: 1,204 and 12.5K. */
export function compact(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  return Math.abs(n) < 10_000 ? count(n) : short().format(n);
}

/** With one decimal: 0.8. */
export const decimal = (n: number): string => tenths().format(n);

/** 0 to 100, rounded so that only what is complete says 100. */
export function percent(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  const rounded = n < 100 ? Math.min(Math.floor(n * 10) / 10, 99.9) : 100;
  return rounded < 10 ? percentTenths().format(rounded) : percents().format(Math.floor(rounded));
}

/** So many per minute. */
export function rate(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  return n < 10 ? decimal(n) : compact(Math.round(n));
}

/** The forms of a noun, by the plural rules of its language. */
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** The form of a noun for a count, without the count. */
export const pluralForm = (n: number, forms: Forms): string =>
  forms[plurals().select(n)] ?? forms.other;

/** `1 job`, `2 jobs`. */
export const plural = (n: number, forms: Forms): string => `${count(n)} ${pluralForm(n, forms)}`;
