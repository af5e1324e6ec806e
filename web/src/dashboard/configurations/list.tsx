import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { request } from '../data/client';
import { configurationList } from '../data/documents';
import { nameOf } from '../data/hooks';
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
import { Ago } from '../ui/time';

const TAKE = 50;
const shown = states.slice(0, 5);

function latest(moments: readonly (string | null | undefined)[]): string | null {
  return moments.reduce<string | null>((a, b) => (b && (!a || b > a) ? b : a), null);
}

/** All configurations, each with its jobs by state. */
export function ConfigurationsPage() {
  usePageTitle(t.configurations.title);
  const [page, setPage] = usePageNumber();
  const list = useQuery({
    queryKey: ['configurations', page],
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(5_000),
    queryFn: async ({ signal }) =>
      (await request(configurationList, { page: page - 1 }, signal)).configurations,
  });
  const found = list.data;
  return (
    <>
      <header className="page-head">
        <h1>{t.configurations.title}</h1>
        {found && <p className="muted">{t.configurations.count(found.totalCount)}</p>}
      </header>
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
                <th scope="col">{t.configurations.name}</th>
                <th scope="col" className="wide-only">
                  {t.configurations.jobs}
                </th>
                {shown.map(({ state }) => (
                  <th key={state} scope="col" className="number">
                    <span className="head-state" title={textOf(state).label}>
                      <StateSign state={state} size={13} />
                      <span className="head-label">{textOf(state).label}</span>
                    </span>
                  </th>
                ))}
                <th scope="col" className="number">
                  {t.configurations.all}
                </th>
                <th scope="col">{t.configurations.lastActivity}</th>
              </tr>
            </thead>
            <tbody>
              {found.items.map(({ id, name, provider, counts, jobs: [newest] }) => (
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
          pages={Math.ceil(found.totalCount / TAKE)}
          hasNext={found.hasNextPage}
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
