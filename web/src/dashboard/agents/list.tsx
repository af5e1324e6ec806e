import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { request } from '../data/client';
import { agentList } from '../data/documents';
import { nameOf } from '../data/hooks';
import { textOf } from '../data/states';
import type { JobState } from '../data/types';
import { count } from '../format/number';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { useEvery } from '../live/hooks';
import { liveJobs } from '../live/jobs';
import { usePageTitle } from '../shell/title';
import { Empty, Failure, Skeleton } from '../ui/empty';
import { StateSign } from '../ui/icons';
import { AppLink } from '../ui/link';
import { SimplePager, usePageNumber } from '../ui/simple-pager';
import { Ago } from '../ui/time';

const TAKE = 50;

/** How many jobs each agent has executing, by its id; asked once a second. */
function useExecutingByAgent(): ReadonlyMap<string, number> {
  const now = useNow();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the live jobs change beside React.
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { currentRun } of liveJobs.all()) {
      const id = currentRun?.agent?.id;
      if (id) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }, [now]);
}

interface Run {
  id: string;
  jobId: string;
  agentState: JobState;
}

/** All agents: what they do now and how their last runs went. */
export function AgentsPage() {
  usePageTitle(t.agents.title);
  const [page, setPage] = usePageNumber();
  const executing = useExecutingByAgent();
  const list = useQuery({
    queryKey: ['agents', page],
    placeholderData: keepPreviousData,
    refetchInterval: useEvery(5_000),
    queryFn: async ({ signal }) => (await request(agentList, { page: page - 1 }, signal)).agents,
  });
  const found = list.data;
  return (
    <>
      <header className="page-head">
        <h1>{t.agents.title}</h1>
        {found && <p className="muted">{t.agents.count(found.totalCount)}</p>}
      </header>
      {!found && list.isError && <Failure error={list.error} retry={() => list.refetch()} />}
      {!found && list.isPending && <Skeleton rows={12} height={44} />}
      {found?.items.length === 0 && (
        <Empty title={t.agents.none}>
          <p>{t.agents.noneHint}</p>
        </Empty>
      )}
      {found && found.items.length > 0 && (
        <div className="scroll-x" tabIndex={-1}>
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">{t.agents.name}</th>
                <th scope="col" className="number not-on-phones">
                  {t.agents.executing}
                </th>
                <th scope="col">{t.agents.lastRuns}</th>
                <th scope="col" className="number not-on-phones">
                  {t.agents.completed}
                </th>
                <th scope="col" className="number">
                  {t.agents.failed}
                </th>
                <th scope="col">{t.agents.lastReport}</th>
              </tr>
            </thead>
            <tbody>
              {found.items.map(({ id, name, runs }) => (
                <tr key={id}>
                  <th scope="row">
                    <AppLink to={`/agents/${id}`} className="row-link">
                      {nameOf({ id, name })}
                    </AppLink>
                  </th>
                  <td className="number not-on-phones">{count(executing.get(id) ?? 0)}</td>
                  <td>
                    <Outcomes runs={runs} />
                  </td>
                  <td className="number not-on-phones">{countIn(runs, 'COMPLETED')}</td>
                  <td className="number tone-failed">
                    <span className={countIn(runs, 'FAILED') > 0 ? 'toned' : 'muted'}>
                      {countIn(runs, 'FAILED')}
                    </span>
                  </td>
                  <td>
                    <Ago
                      at={runs.reduce<string | null>(
                        (a, { updateDate: b }) => (b && (!a || b > a) ? b : a),
                        null,
                      )}
                    />
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

const countIn = (runs: readonly Run[], state: JobState) =>
  runs.filter(({ agentState }) => agentState === state).length;

/** A sign for each run, which leads to its job. */
function Outcomes({ runs }: { runs: readonly Run[] }) {
  return (
    <ul className="outcomes">
      {runs.map(({ id, jobId, agentState }) => (
        <li key={id}>
          <AppLink
            to={`/jobs/${jobId}?run=${id}`}
            className="outcome"
            title={textOf(agentState).label}
          >
            <StateSign state={agentState} size={14} />
            <span className="hidden">{t.agents.run(textOf(agentState).label)}</span>
          </AppLink>
        </li>
      ))}
    </ul>
  );
}
