import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { request } from '../data/client';
import type { ResultOf } from '../data/graphql';
import { lastDigits } from '../data/hooks';
import { statisticsByGroup } from '../data/statistics-documents';
import { duration } from '../format/duration';
import { count, percent } from '../format/number';
import { t } from '../i18n';
import { useEvery } from '../live/hooks';
import { useHour } from '../live/hour';
import { AppLink } from '../ui/link';
import { SortHead, type Sorting } from '../ui/sort-head';
import { change, isWorse } from './change';
import { before, type Length, spanOf } from './span';
import { conditionsFor, jobsIn, type Subject } from './statistics';

export const groupings = ['configuration', 'provider', 'agent'] as const;
export type Grouping = (typeof groupings)[number];

type Row = ResultOf<typeof statisticsByGroup>['jobStatistics'][number];
type Figures = Pick<Row, 'finished' | 'failed' | 'failureRate'>;
type Key = 'name' | 'finished' | 'failed' | 'rate' | 'wait' | 'duration';

/** So many rows are shown at first. */
const SHOWN = 10;

interface Group extends Row {
  key: string;
  name: string;
  hint: string | undefined;
  /** The same of the time before. */
  past: Figures | undefined;
}

function identify(row: Row, by: Grouping): Pick<Group, 'key' | 'name' | 'hint'> {
  switch (by) {
    case 'configuration':
      return {
        key: row.configurationId ?? '',
        name: row.configurationId
          ? (row.configuration?.name ?? lastDigits(row.configurationId))
          : t.jobs.noConfiguration,
        hint: row.configuration?.provider ?? undefined,
      };
    case 'provider':
      return {
        key: row.provider ?? '',
        name: row.provider ?? t.configurations.unknownProvider,
        hint: undefined,
      };
    case 'agent':
      return {
        key: row.agentId ?? '',
        name: row.agentId ? (row.agent?.name ?? lastDigits(row.agentId)) : t.overview.noAgent,
        hint: undefined,
      };
  }
}

const figureOf: Record<Exclude<Key, 'name'>, (group: Group) => number> = {
  finished: ({ finished }) => finished,
  failed: ({ failed }) => failed,
  rate: ({ failureRate }) => failureRate ?? -1,
  wait: ({ wait }) => wait?.p50 ?? -1,
  duration: ({ duration }) => duration?.p50 ?? -1,
};

/** The same figures for each source, provider or agent, beside those of the time before. */
export function Groups({
  subject,
  length,
  by,
  choose,
  only,
}: {
  subject: Subject;
  length: Length;
  by: Grouping;
  choose(by: Grouping): void;
  /** The address of the page about one provider. */
  only(provider: string): string;
}) {
  const [sorting, setSorting] = useState<Sorting<Key>>({ by: 'failed', isDescending: true });
  const [isAll, showAll] = useState(false);
  const span = spanOf(length, useHour());
  const past = before(span);
  const filter = conditionsFor(subject);
  const query = useQuery({
    queryKey: ['statistics', filter, by, span.from, span.to],
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(30_000),
    queryFn: async ({ signal }): Promise<Group[]> => {
      const groupBy = [by.toUpperCase() as Uppercase<Grouping>];
      const read = async ({ from, to }: typeof past) => {
        const bounds = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
        const variables = { filter, groupBy, ...bounds };
        return (await request(statisticsByGroup, variables, signal)).jobStatistics;
      };
      const [rows, earlier] = await Promise.all([read(span), read(past)]);
      const known = new Map(earlier.map((row) => [identify(row, by).key, row]));
      return rows.map((row) => {
        const own = identify(row, by);
        return { ...row, ...own, past: known.get(own.key) };
      });
    },
  });
  const groups = query.data;
  const sorted = groups?.toSorted((a, b) => {
    const byName = a.name.localeCompare(b.name);
    if (sorting.by === 'name') return sorting.isDescending ? -byName : byName;
    const order = figureOf[sorting.by](a) - figureOf[sorting.by](b);
    return (sorting.isDescending ? -order : order) || byName;
  });
  const head = (key: Key, label: string, isOnPhones = true) => (
    <SortHead
      by={key}
      label={label}
      sorting={sorting}
      sort={setSorting}
      className={`${key === 'name' ? '' : 'number'} ${isOnPhones ? '' : 'not-on-phones'}`.trim()}
      startsDescending={key !== 'name'}
    />
  );
  return (
    <section className="by-group" aria-label={t.overview.by[by]}>
      <header className="card-head">
        <fieldset className="segments">
          <legend className="hidden">{t.overview.group}</legend>
          {groupings.map((each) => (
            <label key={each} className="segment">
              <input
                type="radio"
                name="group"
                checked={each === by}
                onChange={() => choose(each)}
              />
              <span>{t.overview.by[each]}</span>
            </label>
          ))}
        </fieldset>
      </header>
      {sorted && sorted.length > 0 && (
        <div className="scroll-x" tabIndex={-1}>
          <table className={query.isPlaceholderData ? 'plain-table is-stale' : 'plain-table'}>
            <thead>
              <tr>
                {head('name', t.overview.groupings[by])}
                {head('finished', t.overview.finished)}
                {head('failed', t.overview.outcomes.failed)}
                {head('rate', t.overview.failureRate)}
                <th scope="col" className="number not-on-phones">
                  {t.overview.before}
                </th>
                {head('wait', t.overview.ofWait(t.overview.p50), false)}
                {head('duration', t.overview.ofDuration(t.overview.p50), false)}
                <th scope="col" className="number not-on-phones">
                  {t.overview.ofDuration(t.overview.p95)}
                </th>
              </tr>
            </thead>
            <tbody>
              {(isAll ? sorted : sorted.slice(0, SHOWN)).map((group) => (
                <tr key={group.key}>
                  <th scope="row">
                    <Name group={group} by={by} only={only} />
                  </th>
                  <td className="number">{count(group.finished)}</td>
                  <td className="number tone-failed">
                    {group.failed > 0 && group.key ? (
                      <AppLink
                        to={jobsIn(narrowed(subject, by, group.key), span, ['FAILED'])}
                        className="plain toned"
                      >
                        {count(group.failed)}
                      </AppLink>
                    ) : (
                      <span className="muted">{count(group.failed)}</span>
                    )}
                  </td>
                  <td className="number">{rate(group)}</td>
                  <td className="number not-on-phones">
                    <Before group={group} />
                  </td>
                  <td className="number not-on-phones">{duration(group.wait?.p50)}</td>
                  <td className="number not-on-phones">{duration(group.duration?.p50)}</td>
                  <td className="number not-on-phones">{duration(group.duration?.p95)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {sorted && sorted.length > SHOWN && (
        <button type="button" className="button is-quiet" onClick={() => showAll(!isAll)}>
          {isAll ? t.overview.fewer : t.overview.all(sorted.length)}
        </button>
      )}
    </section>
  );
}

const rate = ({ failureRate }: Figures) => percent(failureRate === null ? null : failureRate * 100);

function narrowed(subject: Subject, by: Grouping, key: string): Subject {
  switch (by) {
    case 'configuration':
      return { ...subject, configurationIds: [key] };
    case 'provider':
      return { ...subject, providers: [key] };
    case 'agent':
      return { ...subject, agentIds: [key] };
  }
}

function Name({
  group: { key, name, hint },
  by,
  only,
}: {
  group: Group;
  by: Grouping;
  only(provider: string): string;
}) {
  if (!key) return <span className="muted">{name}</span>;
  const to = {
    configuration: `/configurations/${key}`,
    provider: only(key),
    agent: `/agents/${key}`,
  }[by];
  return (
    <>
      <AppLink to={to} className="row-link">
        {name}
      </AppLink>
      {hint && <span className="muted sub">{hint}</span>}
    </>
  );
}

/** The failure rate of the time before, marked if it has risen by more than chance does. */
function Before({ group }: { group: Group }) {
  const { past } = group;
  if (!past) return <span className="muted">{percent(null)}</span>;
  const points = change(group, past);
  return (
    <>
      {rate(past)}
      {points !== null && isWorse(group, past) && (
        <span className="tone-failed toned rise" title={t.overview.riseHint}>
          {' '}
          {t.overview.rise(percent(points))}
        </span>
      )}
    </>
  );
}
