import { Suspense, useState } from 'react';
import { Redirect, useSearch } from 'wouter';
import { nameOf } from '../data/hooks';
import { isUuid } from '../data/ids';
import { isActive } from '../data/states';
import { percent } from '../format/number';
import { t } from '../i18n';
import { type Action, ActionDialog } from '../jobs/actions';
import { QueueDialog } from '../pages';
import { jobTitle, usePageTitle, useTabIcon } from '../shell/title';
import { Empty, Failure } from '../ui/empty';
import { AppLink } from '../ui/link';
import { JobSkeleton, RunSkeleton } from '../ui/skeleton';
import { AgentCard } from './agent-card';
import { Banner } from './banner';
import { Fields } from './fields';
import { JobHeader } from './header';
import { History } from './history';
import { JsonDialog } from './json';
import { ProcessingCard } from './processing-card';
import { RateCard } from './rate';
import { Reconciliation } from './reconciliation';
import { Runs } from './runs';
import { Timeline } from './timeline';
import { isGoingOn, stateOf, useJob, useRun } from './use-job';

/** All that is known of one job. */
export function JobPage({ id }: { id: string }) {
  const wanted = new URLSearchParams(useSearch()).get('run');
  const chosen = wanted && isUuid(wanted) ? wanted : undefined;
  const [taken, setTaken] = useState(50);
  const query = useJob(id, taken);
  const job = query.data;
  // An id that is no job's may be a run's, as logs have it.
  const attempt = job === null ? null : (chosen ?? job?.currentRunId);
  const { data: run, error } = useRun(job === null ? id : (chosen ?? id), attempt);
  const [action, setAction] = useState<Action>();
  const [isCopied, setCopied] = useState(false);
  const [isJsonOpen, setJsonOpen] = useState(false);
  const isCurrent = !chosen || chosen === job?.currentRunId;
  const state = job && (isCurrent ? stateOf(job, run) : (run?.agentState ?? 'UNKNOWN'));
  const progress = isActive(state ?? 'UNKNOWN') ? (run?.percentCompleted ?? null) : null;
  usePageTitle(
    job && state
      ? jobTitle(nameOf(job), state, progress === null ? undefined : percent(progress))
      : t.job.title,
  );
  useTabIcon(state ?? undefined);

  if (job === null && run) return <Redirect to={`/jobs/${run.jobId}?run=${run.id}`} replace />;
  if ((job === null && (run === null || error)) || !isUuid(id)) {
    return (
      <Empty title={t.job.notFound} isPage>
        <p>{t.job.notFoundHint(id)}</p>
        <AppLink to="/" className="button">
          {t.job.all}
        </AppLink>
      </Empty>
    );
  }
  if (!job || !state) {
    return query.isError ? (
      <Failure error={query.error} retry={() => query.refetch()} isPage />
    ) : (
      <JobSkeleton />
    );
  }
  const isCancelled = job.state === 'CANCELLED';
  const isForeign = run && run.jobId !== job.id;
  if (isForeign) {
    return (
      <Empty title={t.job.otherJobsRun} isPage>
        <AppLink to={`/jobs/${run.jobId}?run=${run.id}`} className="button">
          {t.job.openItsJob}
        </AppLink>
      </Empty>
    );
  }
  return (
    <article className="job">
      <JobHeader
        job={job}
        run={run}
        state={state}
        isCurrent={isCurrent}
        act={setAction}
        queueCopy={() => setCopied(true)}
        showJson={() => setJsonOpen(true)}
      />
      <Banner job={job} run={run} state={state} isCurrent={isCurrent} />
      {run ? (
        <>
          <div className="cards">
            <AgentCard run={run} />
            <ProcessingCard run={run} />
          </div>
          <Reconciliation run={run} isGoingOn={isGoingOn(run)} />
          <Timeline run={run} isGoingOn={isGoingOn(run)} />
          {isActive(run.agentState) && <RateCard key={run.id} run={run} />}
        </>
      ) : run === null ? (
        <section className="card">
          {job.state === 'QUEUED' ? (
            <Empty title={t.job.waiting}>
              <p>{t.job.waitingHint}</p>
            </Empty>
          ) : (
            <Empty title={isCancelled ? t.job.neverRan : t.job.noRun} />
          )}
        </section>
      ) : error ? (
        <Failure error={error} />
      ) : (
        <RunSkeleton />
      )}
      <div className="cards">
        <History job={job} run={run} />
        <Runs job={job} shown={run?.id} showMore={() => setTaken(200)} />
      </div>
      {run && <Fields run={run} />}
      {action && (
        <Suspense>
          <ActionDialog
            action={action}
            target={{
              jobs: [
                {
                  ...job,
                  name: nameOf(job),
                  state,
                  configuration: job.configuration ? nameOf(job.configuration) : undefined,
                  started: run?.agentStartTime,
                },
              ],
            }}
            close={() => setAction(undefined)}
          />
        </Suspense>
      )}
      {isCopied && (
        <Suspense>
          <QueueDialog
            like={{ ...job, configurationId: job.configuration?.id }}
            close={() => setCopied(false)}
          />
        </Suspense>
      )}
      {isJsonOpen && <JsonDialog job={job} run={run} close={() => setJsonOpen(false)} />}
    </article>
  );
}
