import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { request } from '../data/client';
import { configurationList } from '../data/documents';
import { listEvery, nameOf, readList } from '../data/hooks';
import { states, textOf } from '../data/states';
import type { Counts } from '../data/types';
import { count } from '../format/number';
import { t } from '../i18n';
import { useEvery } from '../live/hooks';
import { usePageTitle } from '../shell/title';
import { Empty, Failure, Skeleton } from '../ui/empty';
import { StateSign } from '../ui/icons';
import { AppLink } from '../ui/link';
import { SimplePager, usePageNumber } from '../ui/simple-pager';
import { SortHead, type Sorting } from '../ui/sort-head';
import { Ago } from '../ui/time';

const TAKE = 50;
const shown = states.slice(0, 5);

function latest(moments: readonly (string | null | undefined)[]): string | null {
  return moments.reduce<string | null>((a, b) => (b && (!a || b > a) ? b : a), null);
}

/** A count, or the name. */
type Key = keyof Counts | 'name';

interface Listed {
  id: string;
  name: string | null;
  counts: Counts;
}

/** All configurations, each with its jobs by state. */
export function ConfigurationsPage() {
  usePageTitle(t.configurations.title);
  const [page, setPage] = usePageNumber();
  const [sorting, setSorting] = useState<Sorting<Key>>({ by: 'name', isDescending: false });
  const [length, setLength] = useState<number>();
  const list = useQuery({
    queryKey: ['configurations'],
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(listEvery(length)),
    queryFn: async ({ signal }) => {
      const all = await readList(
        async (page) => (await request(configurationList, { page }, signal)).configurations,
      );
      setLength(all.items.length);
      return all;
    },
  });
  const found = list.data;
  const numberOf = (each: Listed) => (sorting.by === 'name' ? 0 : each.counts[sorting.by]);
  const arranged = [...(found?.items ?? [])].sort((a, b) => {
    const byName = nameOf(a).localeCompare(nameOf(b));
    const order = numberOf(a) - numberOf(b) || (sorting.by === 'name' ? byName : 0);
    return (sorting.isDescending ? -order : order) || byName;
  });
  const sort = (next: Sorting<Key>) => {
    setSorting(next);
    setPage(1);
  };
  return (
    <>
      <header className="page-head">
        <h1>{t.configurations.title}</h1>
        {found && <p className="muted">{t.configurations.count(found.totalCount)}</p>}
      </header>
      {found && found.totalCount > found.items.length && (
        <p className="muted">{t.agents.onlyFirst(found.items.length)}</p>
      )}
      {!found && list.isError && <Failure error={list.error} retry={() => list.refetch()} />}
      {!found && list.isPending && <Skeleton rows={14} height={44} />}
      {found?.items.length === 0 && (
        <Empty title={t.configurations.none}>
          <p>{t.configurations.noneHint(<code>saveConfiguration</code>)}</p>
        </Empty>
      )}
      {found && found.items.length > 0 && (
        <div className="scroll-x" tabIndex={-1}>
          <table className="plain-table">
            <thead>
              <tr>
                <SortHead by="name" label={t.configurations.name} sorting={sorting} sort={sort} />
                <th scope="col" className="wide-only">
                  {t.configurations.jobs}
                </th>
                {shown.map(({ state, count: key }) => (
                  <SortHead
                    key={state}
                    by={key}
                    label={
                      <span className="head-state" title={textOf(state).label}>
                        <StateSign state={state} size={13} />
                        <span className="head-label">{textOf(state).label}</span>
                      </span>
                    }
                    className="number"
                    sorting={sorting}
                    sort={sort}
                    startsDescending
                  />
                ))}
                <SortHead
                  by="total"
                  label={t.configurations.all}
                  className="number"
                  sorting={sorting}
                  sort={sort}
                  startsDescending
                />
                <th scope="col">{t.configurations.lastActivity}</th>
              </tr>
            </thead>
            <tbody>
              {arranged
                .slice((page - 1) * TAKE, page * TAKE)
                .map(({ id, name, provider, counts, jobs: [newest] }) => (
                  <tr key={id}>
                    <th scope="row">
                      <AppLink to={`/configurations/${id}`} className="row-link">
                        {nameOf({ id, name })}
                      </AppLink>
                      <span className="muted sub">
                        {provider ?? t.configurations.unknownProvider}
                      </span>
                    </th>
                    <td className="wide-only">
                      <CountsBar counts={counts} />
                    </td>
                    {shown.map(({ state, count: key }) => (
                      <td key={state} className={`number tone-${state.toLowerCase()}`}>
                        {counts[key] > 0 ? (
                          <AppLink
                            to={`/configurations/${id}?state=${state.toLowerCase()}`}
                            className={state === 'FAILED' ? 'plain toned' : 'plain'}
                          >
                            {count(counts[key])}
                          </AppLink>
                        ) : (
                          <span className="muted">0</span>
                        )}
                      </td>
                    ))}
                    <td className="number">{count(counts.total)}</td>
                    <td>
                      <Ago at={latest([newest?.createdDate, newest?.updateDate])} />
                    </td>
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      )}
      {found && (
        <SimplePager
          page={page}
          setPage={setPage}
          pages={Math.ceil(arranged.length / TAKE)}
          hasNext={arranged.length > page * TAKE}
        />
      )}
    </>
  );
}

/** How the jobs divide among the states. */
function CountsBar({ counts }: { counts: Counts }) {
  return (
    <span className="parts-bar counts-bar" aria-hidden="true">
      {states.map(({ state, count: key }) =>
        counts[key] > 0 ? (
          <span
            key={state}
            className={`part state-${state.toLowerCase()}`}
            style={{ flexGrow: counts[key] }}
          />
        ) : null,
      )}
    </span>
  );
}
