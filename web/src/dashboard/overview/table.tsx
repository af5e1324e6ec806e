import { duration } from '../format/duration';
import { count, percent } from '../format/number';
import { t } from '../i18n';
import { useSettings } from '../settings/settings';
import { AppLink } from '../ui/link';
import { timeOf } from './moments';
import { type Outcome, outcomes, type Point } from './points';

/** What the charts show, as numbers, the newest first. Buckets in which nothing finished are left out. */
export function StatisticsTable({
  points,
  linkTo,
}: {
  points: readonly Point[];
  /** The address of the jobs of a bucket, or of those of one outcome. */
  linkTo(point: Point, outcome?: Outcome): string;
}) {
  const settings = useSettings();
  const columns = [
    t.overview.failureRate,
    t.overview.ofWait(t.overview.p50),
    t.overview.ofWait(t.overview.p95),
    t.overview.ofDuration(t.overview.p50),
    t.overview.ofDuration(t.overview.p95),
  ];
  return (
    <div className="scroll-x statistics-table" tabIndex={-1}>
      <table className="plain-table">
        <caption className="hidden">{t.overview.table}</caption>
        <thead>
          <tr>
            <th scope="col">{t.overview.time}</th>
            <th scope="col" className="number">
              {t.overview.finished}
            </th>
            {outcomes.map((outcome) => (
              <th key={outcome} scope="col" className="number">
                {t.overview.outcomes[outcome]}
              </th>
            ))}
            {columns.map((label) => (
              <th key={label} scope="col" className="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points
            .filter(({ finished }) => finished > 0)
            .toReversed()
            .map((point) => (
              <tr key={point.from}>
                <th scope="row">
                  <AppLink to={linkTo(point)} className="plain">
                    {timeOf(point, settings)}
                  </AppLink>
                </th>
                <td className="number">{count(point.finished)}</td>
                {outcomes.map((outcome) => (
                  <td key={outcome} className={`number tone-${outcome}`}>
                    {point[outcome] > 0 ? (
                      <AppLink
                        to={linkTo(point, outcome)}
                        className={outcome === 'failed' ? 'plain toned' : 'plain'}
                      >
                        {count(point[outcome])}
                      </AppLink>
                    ) : (
                      <span className="muted">0</span>
                    )}
                  </td>
                ))}
                <td className="number">{percent(point.failureRate)}</td>
                <td className="number">{duration(point.wait?.p50)}</td>
                <td className="number">{duration(point.wait?.p95)}</td>
                <td className="number">{duration(point.duration?.p50)}</td>
                <td className="number">{duration(point.duration?.p95)}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
