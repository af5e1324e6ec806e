import '../styles/overview.css';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import { request } from '../data/client';
import { finished } from '../data/states';
import { statisticsOverTime } from '../data/statistics-documents';
import type { JobState } from '../data/types';
import { duration } from '../format/duration';
import { count, percent } from '../format/number';
import { t } from '../i18n';
import { formatFilter, parseFilter } from '../jobs/address';
import { type Filter, type Sort, usualSort } from '../jobs/filter';
import { useEvery } from '../live/hooks';
import { useHour } from '../live/hour';
import { Empty, Failure } from '../ui/empty';
import { Skeleton } from '../ui/skeleton';
import { countTicks, lengthTicks } from './axis';
import { Chart, type Series } from './chart';
import { type Outcome, outcomes, type Point, pointsOf } from './points';
import { type Length, type Span, spanOf } from './span';
import { StatisticsTable } from './table';

/** Whose runs they are. */
export type Subject = Pick<Filter, 'configurationIds' | 'agentIds' | 'providers'>;

export const everything: Subject = { configurationIds: [], agentIds: [], providers: [] };

const stateOf: Record<Outcome, JobState> = {
  completed: 'COMPLETED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

/** A subject as the API takes it. */
export const conditionsFor = ({ configurationIds, agentIds, providers }: Subject) => ({
  configurationIds: [...configurationIds],
  agentIds: [...agentIds],
  providers: [...providers],
});

/** The address of the jobs that finished in a time. */
export function jobsIn(
  subject: Subject,
  { from, to }: Pick<Span, 'from' | 'to'>,
  states: readonly JobState[],
  sort?: Sort,
): string {
  const filter: Filter = {
    ...parseFilter(''),
    ...subject,
    states: [...states],
    time: 'finished',
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  };
  return `/${formatFilter({ ...filter, sort: sort ?? usualSort(filter) })}`;
}

/** What finished over time: how much, how well, and how long it waited and took. */
export function Statistics({
  subject,
  length,
  isTable,
}: {
  subject: Subject;
  length: Length;
  isTable: boolean;
}) {
  const span = spanOf(length, useHour());
  const [, navigate] = useLocation();
  const filter = conditionsFor(subject);
  const query = useQuery({
    queryKey: ['statistics', filter, span.from, span.bucket],
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(30_000),
    queryFn: async ({ signal }) => {
      const variables = {
        filter,
        from: new Date(span.from).toISOString(),
        to: new Date(span.to).toISOString(),
        bucket: span.bucket,
      };
      // With its own time: while the next one is loaded, this one stays in view.
      return pointsOf((await request(statisticsOverTime, variables, signal)).jobStatistics, span);
    },
  });
  const points = query.data;
  if (!points) {
    return query.isError ? (
      <Failure error={query.error} retry={() => query.refetch()} />
    ) : (
      <Skeleton rows={6} height={64} />
    );
  }
  const open = (states: readonly JobState[], sort?: Sort) => (point: Point, outcome?: Outcome) =>
    navigate(jobsIn(subject, point, outcome ? [stateOf[outcome]] : states, sort));
  return (
    <div className={query.isPlaceholderData ? 'statistics is-stale' : 'statistics'}>
      {points.every((point) => point.finished === 0) ? (
        <Empty title={t.overview.none} />
      ) : isTable ? (
        <StatisticsTable
          points={points}
          linkTo={(point, outcome) =>
            jobsIn(subject, point, outcome ? [stateOf[outcome]] : finished)
          }
        />
      ) : (
        <div className="charts">
          <Chart
            title={t.overview.finished}
            points={points}
            kind="bars"
            series={outcomes.map((key) => ({
              key,
              label: t.states[stateOf[key]].label,
              value: (point) => point[key],
            }))}
            ticksFor={countTicks}
            format={count}
            open={open(finished)}
          />
          <Chart
            title={t.overview.failureRate}
            points={points}
            kind="bars"
            series={rateSeries()}
            ticksFor={countTicks}
            format={percent}
            open={open(['FAILED'])}
          />
          <Chart
            title={t.overview.wait}
            points={points}
            kind="lines"
            series={lengthSeries('wait')}
            ticksFor={lengthTicks}
            format={duration}
            open={open(finished)}
          />
          <Chart
            title={t.overview.duration}
            points={points}
            kind="lines"
            series={lengthSeries('duration')}
            ticksFor={lengthTicks}
            format={duration}
            open={open(finished, 'longest')}
          />
        </div>
      )}
    </div>
  );
}

const rateSeries = (): Series[] => [
  { key: 'failed', label: t.overview.failureRate, value: (point) => point.failureRate },
];

const lengthSeries = (figure: 'wait' | 'duration'): Series[] => [
  { key: 'p95', label: t.overview.p95, value: (point) => point[figure]?.p95 ?? null },
  { key: 'p50', label: t.overview.p50, value: (point) => point[figure]?.p50 ?? null },
];
