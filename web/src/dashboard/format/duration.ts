import { NONE } from './number';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in its two largest units: `3d 4h`, `12m 05s`, `0.8s`. */
export function duration(milliseconds: number | null | undefined): string {
  if (milliseconds === null || milliseconds === undefined) return NONE;
  const sign = milliseconds < 0 ? '−' : '';
  const ms = Math.abs(milliseconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (ms < 10 * SECOND) return `${sign}${(Math.floor(ms / 100) / 10).toFixed(1)}s`;
  if (ms < MINUTE) return `${sign}${Math.floor(ms / SECOND)}s`;
  if (ms < HOUR)
    return `${sign}${Math.floor(ms / MINUTE)}m ${two(Math.floor((ms % MINUTE) / SECOND))}s`;
  if (ms < DAY) return `${sign}${Math.floor(ms / HOUR)}h ${two(Math.floor((ms % HOUR) / MINUTE))}m`;
  return `${sign}${Math.floor(ms / DAY)}d ${Math.floor((ms % DAY) / HOUR)}h`;
}

/** About how long, in one unit, for what ticks: `3 s`, `4 min`, `2 h`, `5 d`. */
export function about(milliseconds: number): string {
  const ms = Math.abs(milliseconds);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** `3 s ago`, `in 4 min`, `just now`. */
export function relative(moment: number, now: number): string {
  const distance = now - moment;
  if (distance > -SECOND && distance < SECOND) return 'just now';
  return distance < 0 ? `in ${about(distance)}` : `${about(distance)} ago`;
}
