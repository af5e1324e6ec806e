import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { request } from '../data/client';
import { agentCounts, agentDetail } from '../data/documents';
import { lastDigits, nameOf } from '../data/hooks';
import { isUuid } from '../data/ids';
import type { Counts } from '../data/types';
import { t } from '../i18n';
import { JobsView } from '../jobs/jobs-view';
import { useEvery } from '../live/hooks';
import { StatisticsFold } from '../overview/fold';
import { usePageTitle } from '../shell/title';
import { CopyButton } from '../ui/copy';
import { Empty, Failure } from '../ui/empty';
import { AppLink } from '../ui/link';
import { Ago, FullMoment } from '../ui/time';
import { LastSeen } from './last-seen';

/** One agent, and the jobs whose current run is its. */
export function AgentPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['agent', id],
    enabled: isUuid(id),
    refetchInterval: useEvery(10_000),
    queryFn: async ({ signal }) => (await request(agentDetail, { id }, signal)).agent,
  });
  const counted = useQuery({
    queryKey: ['agent-counts', id],
    enabled: isUuid(id),
    refetchInterval: useEvery(5_000),
    queryFn: async ({ signal }): Promise<Counts> => {
      const answer = await request(agentCounts, { agentId: id }, signal);
      const counts = Object.fromEntries(
        Object.entries(answer).map(([state, { totalCount }]) => [state, totalCount]),
      ) as Omit<Counts, 'total'>;
      return { ...counts, total: Object.values(counts).reduce((a, b) => a + b, 0) };
    },
  });
  const found = query.data;
  const name = found ? nameOf({ id, name: found.name }) : '…';
  usePageTitle(found ? name : t.agent.title);
  const fixed = useMemo(() => ({ agentIds: [id] }), [id]);
  if (found === null || !isUuid(id)) {
    return (
      <Empty title={t.agent.notFound} isPage>
        <AppLink to="/agents" className="button">
          {t.agent.all}
        </AppLink>
      </Empty>
    );
  }
  if (!found && query.isError) {
    return <Failure error={query.error} retry={() => query.refetch()} isPage />;
  }
  return (
    <>
      <nav className="crumbs" aria-label={t.common.breadcrumb}>
        <AppLink to="/agents">{t.agents.title}</AppLink>
      </nav>
      <header className="page-head">
        <h1>{name}</h1>
        <dl className="facts">
          <div>
            <dt>{t.agent.lastSeen}</dt>
            <dd>
              <LastSeen at={found?.lastSeen} />
            </dd>
          </div>
          <div>
            <dt>{t.agent.firstSeen}</dt>
            <dd>
              <FullMoment at={found?.createdDate} />
            </dd>
          </div>
          <div>
            <dt>{t.agent.updated}</dt>
            <dd>
              <Ago at={found?.updateDate} />
            </dd>
          </div>
          <div>
            <dt>{t.agent.id}</dt>
            <dd>
              <span className="mono" title={id}>
                {lastDigits(id)}
              </span>
              <CopyButton text={id} what={t.copy.agentId} />
            </dd>
          </div>
        </dl>
      </header>
      <StatisticsFold subject={fixed} />
      <JobsView fixed={fixed} counts={counted.data ?? {}} of={name} />
    </>
  );
}
