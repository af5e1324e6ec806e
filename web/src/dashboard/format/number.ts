/** What stands where nothing is known. */
export const NONE = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** A count in full; an en dash for null, never 0. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? NONE : whole.format(n);
}

/** A count in little room: 1,204 and 12.5K. */
export function compact(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  return Math.abs(n) < 10_000 ? whole.format(n) : short.format(n);
}

/** 0 to 100, rounded so that only what is complete says 100. */
export function percent(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  const rounded = n < 100 ? Math.min(Math.floor(n * 10) / 10, 99.9) : 100;
  return `${rounded < 10 ? rounded.toFixed(1) : Math.floor(rounded)}%`;
}

/** So many per minute. */
export function rate(n: number | null | undefined): string {
  if (n === null || n === undefined) return NONE;
  return n < 10 ? n.toFixed(1) : compact(Math.round(n));
}

/** `1 job`, `2 jobs`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
