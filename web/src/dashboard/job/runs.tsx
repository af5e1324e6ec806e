import { errorOf } from '../data/errors';
import { isActive } from '../data/states';
import type { JobDetail } from '../data/types';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { formatFilter, parseFilter } from '../jobs/address';
import { type Filter, TEXT_LENGTH } from '../jobs/filter';
import { AppLink } from '../ui/link';
import { StateLabel } from '../ui/state';
import { Moment, WorkTime } from '../ui/time';
import { Unavailable } from '../ui/unavailable';
import { firstLine } from './message';

/** The list of the jobs that have the same name, of the same configuration. */
const alike = (name: string, configurationId: string | undefined): Filter => ({
  ...parseFilter(''),
  configurationIds: configurationId ? [configurationId] : [],
  search: name.slice(0, TEXT_LENGTH),
});

/** All attempts at the job, the newest first. */
export function Runs({
  job,
  shown,
  showMore,
}: {
  job: JobDetail;
  shown: string | undefined;
  showMore(): void;
}) {
  // The API tells of 200 at most: beyond that, no run's number is known.
  const all = job.allRuns.length;
  const isCounted = all < 200;
  const earlier = all - job.runs.length;
  return (
    <section className="card" aria-labelledby="runs-title">
      <header className="card-head">
        <h2 id="runs-title">{t.runs.title}</h2>
        <span className="muted">{t.runs.order}</span>
      </header>
      {job.runs.length === 0 && <p className="muted">{t.runs.none}</p>}
      <ol className="runs">
        {job.runs.map((run, index) => {
          const isShown = run.id === shown;
          const number = all - index;
          const to =
            run.id === job.currentRunId ? `/jobs/${job.id}` : `/jobs/${job.id}?run=${run.id}`;
          return (
            <li key={run.id} className={isShown ? 'run is-shown' : 'run'}>
              <AppLink to={to} aria-current={isShown ? 'true' : undefined} className="run-link">
                {isCounted ? t.runs.number(number) : `…${run.id.slice(-6)}`}
              </AppLink>
              <StateLabel state={run.agentState} />
              <span className="one-line">
                {run.agent?.name ?? NONE} <Unavailable error={errorOf(run, 'agent')} />
              </span>
              <Moment at={run.agentStartTime ?? run.agentQueuedDate} />
              <span className="number">
                <WorkTime run={run} isRunning={isActive(run.agentState)} />{' '}
                <Unavailable error={errorOf(run, 'agentElapsedExecutionTime')} />
              </span>
              {run.agentResultMessage && (
                <span className="run-message muted one-line" title={run.agentResultMessage}>
                  {firstLine(run.agentResultMessage)}
                </span>
              )}
            </li>
          );
        })}
      </ol>
      {earlier > 0 && (
        <button type="button" className="button is-quiet" onClick={showMore}>
          {t.runs.earlier(earlier)}
        </button>
      )}
      {!isCounted && <p className="muted">{t.runs.latest(all)}</p>}
      {job.name && (
        <p className="card-foot">
          <AppLink to={`/${formatFilter(alike(job.name, job.configuration?.id))}`}>
            {t.runs.alike}
          </AppLink>
        </p>
      )}
    </section>
  );
}
