import { perLocale } from '../i18n/locale';

const and = perLocale((locale) => new Intl.ListFormat(locale, { type: 'conjunction' }));
const or = perLocale((locale) => new Intl.ListFormat(locale, { type: 'disjunction' }));

/** `a, b and c`. */
export const listAnd = (items: readonly string[]): string => and().format(items);

/** `a, b or c`. */
export const listOr = (items: readonly string[]): string => or().format(items);
