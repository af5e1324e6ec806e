/** What the API tells of each bucket, as the charts and the table show it. */
import type { ResultOf } from '../data/graphql';
import type { statisticsOverTime } from '../data/statistics-documents';
import type { Span } from './span';

export type Row = ResultOf<typeof statisticsOverTime>['jobStatistics'][number];

export interface Point {
  from: number;
  to: number;
  completed: number;
  failed: number;
  cancelled: number;
  finished: number;
  /** In percent, of what completed or failed. Null without any. */
  failureRate: number | null;
  wait: { p50: number; p95: number } | null;
  duration: { p50: number; p95: number } | null;
}

export const outcomes = ['completed', 'failed', 'cancelled'] as const;
export type Outcome = (typeof outcomes)[number];

export function rateOf({ completed, failed }: { completed: number; failed: number }) {
  const all = completed + failed;
  return all > 0 ? (failed / all) * 100 : null;
}

/** One point for each bucket: the API leaves out those in which nothing finished. */
export function pointsOf(rows: readonly Row[], { from, to, size }: Span): Point[] {
  const known = new Map(rows.map((row) => [Date.parse(row.start), row]));
  const points: Point[] = [];
  for (let at = from; at < to; at += size) {
    const row = known.get(at);
    const completed = row?.completed ?? 0;
    const failed = row?.failed ?? 0;
    points.push({
      from: at,
      to: at + size,
      completed,
      failed,
      cancelled: row?.cancelled ?? 0,
      finished: row?.finished ?? 0,
      failureRate: rateOf({ completed, failed }),
      wait: row?.wait ?? null,
      duration: row?.duration ?? null,
    });
  }
  return points;
}
