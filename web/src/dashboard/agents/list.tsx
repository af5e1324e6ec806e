import { useMemo, useState } from 'react';
import { request } from '../data/client';
import { agentList } from '../data/documents';
import { nameOf } from '../data/hooks';
import { textOf } from '../data/states';
import type { JobState } from '../data/types';
import { count } from '../format/number';
import { full } from '../format/time';
import { t } from '../i18n';
import { useNow } from '../live/clock';
import { liveJobs } from '../live/jobs';
import { useSettings } from '../settings/settings';
import { StateSign } from '../ui/icons';
import { AppLink } from '../ui/link';
import { ListPage, useWholeList } from '../ui/list-page';
import { usePageNumber } from '../ui/simple-pager';
import { SortHead, type Sorting } from '../ui/sort-head';
import { isSilent, LastSeen } from './last-seen';

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
  agentEndTime: string | null;
  updateDate: string | null;
  agentResultMessage: string | null;
  job: { name: string | null } | null;
}

interface Agent {
  id: string;
  name: string | null;
  lastSeen: string | null;
  runs: Run[];
}

type Key = 'name' | 'failed' | 'lastSeen';

/** Compares agents by one column, the smallest first. */
const compare: Record<Key, (a: Agent, b: Agent) => number> = {
  name: (a, b) => nameOf(a).localeCompare(nameOf(b)),
  failed: (a, b) => countIn(a.runs, 'FAILED') - countIn(b.runs, 'FAILED'),
  lastSeen: (a, b) => momentOf(a) - momentOf(b),
};

const momentOf = ({ lastSeen }: Agent) => (lastSeen ? Date.parse(lastSeen) : 0);

/** All agents: what they do now and how their last runs went. */
export function AgentsPage() {
  const [, setPage] = usePageNumber();
  const executing = useExecutingByAgent();
  const [sorting, setSorting] = useState<Sorting<Key>>();
  const now = useNow();
  const list = useWholeList<Agent>(
    'agents',
    async (page, signal) => (await request(agentList, { page }, signal)).agents,
  );
  const silence = ({ lastSeen }: Agent) => (isSilent(lastSeen, now) ? 0 : 1);
  const silent = list.data?.items.filter((agent) => silence(agent) === 0).length ?? 0;
  const sort = (next: Sorting<Key>) => {
    setSorting(next);
    setPage(1);
  };
  return (
    <ListPage
      texts={t.agents}
      list={list}
      // Silent ones come first unless another order was chosen.
      compare={(a, b) => {
        const order = sorting
          ? compare[sorting.by](a, b) * (sorting.isDescending ? -1 : 1)
          : silence(a) - silence(b);
        return order || compare.name(a, b);
      }}
      note={
        silent > 0 && (
          <p className="tone-failed">
            <span className="toned" title={t.agents.silentHint}>
              {t.agents.silentCount(silent)}
            </span>
          </p>
        )
      }
      noneHint={t.agents.noneHint}
    >
      {(shown) => (
        <div className="scroll-x" tabIndex={-1}>
          <table className="plain-table">
            <thead>
              <tr>
                <SortHead by="name" label={t.agents.name} sorting={sorting} sort={sort} />
                <th scope="col" className="number not-on-phones">
                  {t.agents.executing}
                </th>
                <th scope="col">
                  <span className="head-label">{t.agents.lastRuns}</span>
                </th>
                <th scope="col" className="number not-on-phones">
                  <Signed state="COMPLETED" label={t.agents.completed} />
                </th>
                <SortHead
                  by="failed"
                  label={<Signed state="FAILED" label={t.agents.failed} />}
                  className="number"
                  sorting={sorting}
                  sort={sort}
                  startsDescending
                />
                <SortHead
                  by="lastSeen"
                  label={t.agents.lastSeen}
                  title={t.agents.lastSeenHint}
                  sorting={sorting}
                  sort={sort}
                />
              </tr>
            </thead>
            <tbody>
              {shown.map(({ id, name, lastSeen, runs }) => (
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
                    <LastSeen at={lastSeen} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </ListPage>
  );
}

/** A header that is only the sign of its state where there is little room. */
function Signed({ state, label }: { state: JobState; label: string }) {
  return (
    <span className="head-state" title={label}>
      <StateSign state={state} size={13} />
      <span className="head-label">{label}</span>
    </span>
  );
}

const countIn = (runs: readonly Run[], state: JobState) =>
  runs.filter(({ agentState }) => agentState === state).length;

/** A sign for each run, which leads to its job. */
function Outcomes({ runs }: { runs: readonly Run[] }) {
  const settings = useSettings();
  /** Which job, how it went, when and why. */
  const tell = ({ jobId, agentState, agentEndTime, updateDate, agentResultMessage, job }: Run) => {
    const at = agentEndTime ?? updateDate;
    const name = nameOf({ id: jobId, name: job?.name ?? null });
    return [
      t.agents.runOf(textOf(agentState).label, name),
      at && full(at, settings),
      agentResultMessage?.slice(0, 200),
    ]
      .filter(Boolean)
      .join('\n');
  };
  return (
    <ul className="outcomes">
      {runs.map((run) => (
        <li key={run.id}>
          <AppLink to={`/jobs/${run.jobId}?run=${run.id}`} className="outcome" title={tell(run)}>
            <StateSign state={run.agentState} size={14} />
            <span className="hidden">{t.agents.run(textOf(run.agentState).label)}</span>
          </AppLink>
        </li>
      ))}
    </ul>
  );
}
