/** Round numbers for axes. */

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

const steps = [
  ...[100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** Lengths of time from 0 on, the last of them at or above the greatest value. */
export function lengthTicks(most: number): number[] {
  const step = steps.find((each) => most / each <= 4) ?? 365 * DAY;
  const n = Math.max(Math.ceil(most / step), 1);
  return Array.from({ length: n + 1 }, (_, index) => index * step);
}

/** Whole numbers likewise, for counts and percentages. */
export function countTicks(most: number): number[] {
  const rough = Math.max(most, 1) / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].map((n) => n * size).find((each) => each >= rough) ?? 1, 1);
  const n = Math.max(Math.ceil(most / step), 1);
  return Array.from({ length: n + 1 }, (_, index) => index * step);
}
