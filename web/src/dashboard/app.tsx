import { Suspense } from 'react';
import { Redirect, Route, Switch, useSearch } from 'wouter';
import { JobsPage } from './jobs/page';
import { AgentPage, AgentsPage, ConfigurationPage, ConfigurationsPage, JobPage } from './pages';
import { Shell } from './shell/shell';
import { Empty, Skeleton } from './ui/empty';
import { AppLink } from './ui/link';

export function App() {
  const search = useSearch();
  return (
    <Shell>
      <Suspense fallback={<Skeleton rows={12} height={49} />}>
        <Switch>
          <Route path="/" component={JobsPage} />
          <Route path="/jobs">
            <Redirect to={search ? `/?${search}` : '/'} replace />
          </Route>
          <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
          <Route path="/configurations" component={ConfigurationsPage} />
          <Route path="/configurations/:id">
            {({ id }) => <ConfigurationPage key={id} id={id} />}
          </Route>
          <Route path="/agents" component={AgentsPage} />
          <Route path="/agents/:id">{({ id }) => <AgentPage key={id} id={id} />}</Route>
          <Route>
            <Empty title="There is no such page" isPage>
              <AppLink to="/" className="button">
                To the jobs
              </AppLink>
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
