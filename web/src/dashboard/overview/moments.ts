import { clock, dayOf } from '../format/time';
import { t } from '../i18n';
import type { Settings } from '../settings/settings';
import type { Point } from './points';
import { DAY } from './span';

/** The time of a bucket in words: an hour, a day of UTC, or a week. */
export function timeOf({ from, to }: Pick<Point, 'from' | 'to'>, settings: Settings): string {
  const utc = { ...settings, zone: 'UTC' };
  if (to - from > DAY) return t.overview.weekFrom(dayOf(from, utc));
  if (to - from === DAY) return dayOf(from, utc);
  return `${dayOf(from, settings)}, ${clock(from, settings, false)} – ${clock(to, settings, false)}`;
}
