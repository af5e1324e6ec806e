/** Round numbers for axes. */

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

const steps = [
  100,
  ...[1, 10].map((n) => n * SECOND),
  ...[1, 10].map((n) => n * MINUTE),
  ...[1, 10].map((n) => n * HOUR),
  ...[4, 40, 400].map((n) => n * DAY),
];

/** Lengths of time around these values, for a logarithmic axis: each is several times the one before. */
export function lengthTicks(most: number, least: number): number[] {
  const first = Math.max(
    steps.findLastIndex((step) => step <= least),
    0,
  );
  const found = steps.findIndex((step) => step >= most);
  const last = found < 0 ? steps.length - 1 : found;
  return steps.slice(Math.min(first, steps.length - 2), Math.max(last, first + 1) + 1);
}

/** Whole numbers likewise, for counts and percentages. */
export function countTicks(most: number): number[] {
  const rough = Math.max(most, 1) / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].map((n) => n * size).find((each) => each >= rough) ?? 1, 1);
  const n = Math.max(Math.ceil(most / step), 1);
  return Array.from({ length: n + 1 }, (_, index) => index * step);
}
