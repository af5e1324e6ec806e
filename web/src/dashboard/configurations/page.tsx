import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { request } from '../data/client';
import { configurationDetail } from '../data/documents';
import { nameOf } from '../data/hooks';
import { isUuid } from '../data/ids';
import { JobsView } from '../jobs/jobs-view';
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
  usePageTitle(found ? name : 'Configuration');
  const fixed = useMemo(() => ({ configurationId: id }), [id]);
  if (found === null || !isUuid(id)) {
    return (
      <Empty title="There is no such configuration" isPage>
        <AppLink to="/configurations" className="button">
          To all configurations
        </AppLink>
      </Empty>
    );
  }
  if (!found && query.isError) {
    return <Failure error={query.error} retry={() => query.refetch()} isPage />;
  }
  return (
    <>
      <nav className="crumbs" aria-label="Where this page is">
        <AppLink to="/configurations">Configurations</AppLink>
      </nav>
      <header className="page-head">
        <h1>{name}</h1>
        <dl className="facts">
          <div>
            <dt>Provider</dt>
            <dd>{found?.provider ?? '–'}</dd>
          </div>
          <div>
            <dt>Since</dt>
            <dd>
              <FullMoment at={found?.createdDate} />
            </dd>
          </div>
          <div>
            <dt>Changed</dt>
            <dd>
              <Ago at={found?.updateDate} />
            </dd>
          </div>
          <div>
            <dt>Id</dt>
            <dd>
              <span className="mono">{id.slice(0, 8)}…</span>
              <CopyButton text={id} what="the configuration's id" />
            </dd>
          </div>
        </dl>
      </header>
      <JobsView fixed={fixed} of={`of ${name}`} />
    </>
  );
}
