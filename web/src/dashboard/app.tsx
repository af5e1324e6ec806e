import { Suspense } from 'react';
import { Redirect, Route, Switch, useSearch } from 'wouter';
import { t, useLanguage } from './i18n';
import { JobsPage } from './jobs/page';
import {
  AgentPage,
  AgentsPage,
  ConfigurationPage,
  ConfigurationsPage,
  FailuresPage,
  JobPage,
  OverviewPage,
} from './pages';
import { Shell } from './shell/shell';
import { Empty } from './ui/empty';
import { AppLink } from './ui/link';
import { JobSkeleton, Skeleton } from './ui/skeleton';

export function App() {
  const search = useSearch();
  // Everything below renders again in another language.
  useLanguage();
  return (
    <Shell>
      <Suspense fallback={<Skeleton rows={12} height={49} />}>
        <Switch>
          <Route path="/" component={JobsPage} />
          <Route path="/jobs">
            <Redirect to={search ? `/?${search}` : '/'} replace />
          </Route>
          <Route path="/jobs/:id">
            {({ id }) => (
              <Suspense fallback={<JobSkeleton />}>
                <JobPage key={id} id={id} />
              </Suspense>
            )}
          </Route>
          <Route path="/overview" component={OverviewPage} />
          <Route path="/failures" component={FailuresPage} />
          <Route path="/configurations" component={ConfigurationsPage} />
          <Route path="/configurations/:id">
            {({ id }) => <ConfigurationPage key={id} id={id} />}
          </Route>
          <Route path="/agents" component={AgentsPage} />
          <Route path="/agents/:id">{({ id }) => <AgentPage key={id} id={id} />}</Route>
          <Route>
            <Empty title={t.shell.pageNotFound} isPage>
              <AppLink to="/" className="button">
                {t.shell.backToJobs}
              </AppLink>
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
