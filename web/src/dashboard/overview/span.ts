/** The lengths of time that the charts show, and the buckets that these are divided into. */

import type { VariablesOf } from '../data/graphql';
import type { statisticsOverTime } from '../data/statistics-documents';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** The first Monday after the epoch, in UTC. */
const MONDAY = 4 * DAY;

export type Bucket = NonNullable<VariablesOf<typeof statisticsOverTime>['bucket']>;

export const lengths = {
  day: { bucket: 'HOUR', n: 24 },
  week: { bucket: 'HOUR', n: 7 * 24 },
  month: { bucket: 'DAY', n: 30 },
  year: { bucket: 'WEEK', n: 53 },
} as const satisfies Record<string, { bucket: Bucket; n: number }>;
export type Length = keyof typeof lengths;
export const lengthKeys = Object.keys(lengths) as Length[];
export const isLength = (text: string | null): text is Length => Object.hasOwn(lengths, text ?? '');

const sizes = { HOUR, DAY, WEEK } as const;

export interface Span {
  from: number;
  /** The end of the bucket that has not ended yet. */
  to: number;
  bucket: Bucket;
  /** How long a bucket is. */
  size: number;
}

/** The time that ends now. Buckets begin at the hour, at midnight UTC, or on Monday, as the API has them. */
export function spanOf(length: Length, now: number): Span {
  const { bucket, n } = lengths[length];
  const size = sizes[bucket];
  const shift = bucket === 'WEEK' ? MONDAY : 0;
  const to = (Math.floor((now - shift) / size) + 1) * size + shift;
  return { from: to - n * size, to, bucket, size };
}

/** The time of the same length before it. */
export const before = ({ from, to }: Pick<Span, 'from' | 'to'>) => ({
  from: from - (to - from),
  to: from,
});
