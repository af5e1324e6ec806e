/** Lengths of time as they are typed and as addresses have them: `90s`, `10m`, `1h30m`, `2d`. */

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const sizes: ReadonlyMap<string, number> = new Map(units);

/** In milliseconds; undefined for what is no length. A unit is required. */
export function parseLength(text: string): number | undefined {
  const compact = text.toLowerCase().replace(/\s+/g, '').replaceAll(',', '.');
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(compact)) return undefined;
  let sum = 0;
  for (const [, n, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    sum += Number(n) * (sizes.get(unit ?? '') ?? 0);
  }
  const length = Math.round(sum);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** What `parseLength` reads as the same length. */
export function formatLength(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const [unit, size] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) text += `${n}${unit}`;
  }
  return text || '0s';
}
