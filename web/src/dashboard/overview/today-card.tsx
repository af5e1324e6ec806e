import { useQuery } from '@tanstack/react-query';
import { request } from '../data/client';
import { statisticsOverTime } from '../data/statistics-documents';
import { duration } from '../format/duration';
import { count, NONE, percent } from '../format/number';
import { clock, startOfDay, weekday } from '../format/time';
import { t } from '../i18n';
import { useEvery } from '../live/hooks';
import { useHour } from '../live/hour';
import { useSettings } from '../settings/settings';
import { icons } from '../ui/icons';
import { conditionsFor, type Subject } from './statistics';
import { type Comparison, compareToday, type Figure, figures, WEEKS } from './today';

const format: Record<Figure, (value: number) => string> = {
  finished: (value) => count(Math.round(value)),
  failureRate: percent,
  wait: duration,
  duration,
};

/** Less finished, and more of everything else, is worse. */
const isWorse = (figure: Figure, { verdict }: Comparison['of'][Figure]) =>
  verdict === (figure === 'finished' ? 'less' : 'more');

/** Whether today is like other days, in words and figures. */
export function Today({ subject }: { subject: Subject }) {
  const settings = useSettings();
  const now = useHour();
  const filter = conditionsFor(subject);
  // One day more, since yesterday may be what is compared.
  const from = startOfDay(settings, now, WEEKS * 7 + 1);
  const { data: rows } = useQuery({
    queryKey: ['statistics', filter, 'today', from],
    refetchInterval: useEvery(60_000),
    queryFn: async ({ signal }) => {
      const variables = { filter, from, to: null, bucket: 'HOUR' as const };
      return (await request(statisticsOverTime, variables, signal)).jobStatistics;
    },
  });
  if (!rows) return <section className="card today" aria-busy="true" />;
  const compared = compareToday(rows, settings, now);
  if (!compared) {
    return (
      <section className="card today">
        <h2>{t.overview.today}</h2>
        <p className="muted">{t.overview.tooFewDays}</p>
      </section>
    );
  }
  const { isYesterday, isSameWeekday, days } = compared;
  const unusual = figures.filter((figure) => compared.of[figure].verdict !== 'usual');
  const isBad = unusual.some((figure) => isWorse(figure, compared.of[figure]));
  const differences = unusual.map((figure) => {
    const { verdict } = compared.of[figure];
    return t.overview.differences[figure][verdict === 'more' ? 'more' : 'less'];
  });
  const basis = isSameWeekday
    ? t.overview.weekdays(weekday(compared.from, settings), days)
    : t.overview.lastDays(days);
  return (
    <section className={`card today tone-${isBad ? 'failed' : 'completed'}`}>
      <header>
        <h2>
          {isBad ? <icons.warning /> : <icons.check />}
          {unusual.length === 0
            ? t.overview.normal(isYesterday)
            : t.overview.unusual(isYesterday, differences)}
        </h2>
        <p className="muted">
          {isYesterday
            ? t.overview.comparedYesterday(basis)
            : t.overview.comparedUntil(clock(compared.to, settings, false), basis)}
        </p>
      </header>
      <dl>
        {figures.map((figure) => {
          const of = compared.of[figure];
          const text = (value: number | null) => (value === null ? NONE : format[figure](value));
          return (
            <div key={figure}>
              <dt>{t.overview.figures[figure]}</dt>
              <dd>
                <b className={isWorse(figure, of) ? 'tone-failed toned' : undefined}>
                  {text(of.value)}
                </b>
                <span className="muted">{t.overview.usually(text(of.usual))}</span>
              </dd>
            </div>
          );
        })}
      </dl>
    </section>
  );
}
