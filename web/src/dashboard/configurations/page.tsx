import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { request } from '../data/client';
import { configurationDetail } from '../data/documents';
import { lastDigits, nameOf } from '../data/hooks';
import { isUuid } from '../data/ids';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { JobsView } from '../jobs/jobs-view';
import { StatisticsFold } from '../overview/fold';
import { usePageTitle } from '../shell/title';
import { CopyButton } from '../ui/copy';
import { Empty, Failure } from '../ui/empty';
import { AppLink } from '../ui/link';
import { Ago, FullMoment } from '../ui/time';

/** One configuration and its jobs. */
export function ConfigurationPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['configuration', id],
    enabled: isUuid(id),
    queryFn: async ({ signal }) =>
      (await request(configurationDetail, { id }, signal)).configuration,
  });
  const found = query.data;
  const name = found ? nameOf({ id, name: found.name }) : '…';
  usePageTitle(found ? name : t.configuration.title);
  const fixed = useMemo(() => ({ configurationIds: [id] }), [id]);
  if (found === null || !isUuid(id)) {
    return (
      <Empty title={t.configuration.notFound} isPage>
        <AppLink to="/configurations" className="button">
          {t.configuration.all}
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
        <AppLink to="/configurations">{t.configurations.title}</AppLink>
      </nav>
      <header className="page-head">
        <h1>{name}</h1>
        <dl className="facts">
          <div>
            <dt>{t.configuration.provider}</dt>
            <dd>{found?.provider ?? NONE}</dd>
          </div>
          <div>
            <dt>{t.configuration.created}</dt>
            <dd>
              <FullMoment at={found?.createdDate} />
            </dd>
          </div>
          <div>
            <dt>{t.configuration.updated}</dt>
            <dd>
              <Ago at={found?.updateDate} />
            </dd>
          </div>
          <div>
            <dt>{t.configuration.id}</dt>
            <dd>
              <span className="mono" title={id}>
                {lastDigits(id)}
              </span>
              <CopyButton text={id} what={t.copy.configurationId} />
            </dd>
          </div>
        </dl>
      </header>
      <StatisticsFold subject={fixed} />
      <JobsView fixed={fixed} of={name} />
    </>
  );
}
