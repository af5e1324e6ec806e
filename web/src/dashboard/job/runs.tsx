import { errorOf } from '../data/errors';
import { isActive } from '../data/states';
import type { JobDetail } from '../data/types';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { AppLink } from '../ui/link';
import { StateLabel } from '../ui/state';
import { Moment, WorkTime } from '../ui/time';
import { Unavailable } from '../ui/unavailable';

/** All attempts at the job, the newest first. */
export function Runs({ job, shown }: { job: JobDetail; shown: string | undefined }) {
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
          const number = job.runs.length - index;
          const to =
            run.id === job.currentRunId ? `/jobs/${job.id}` : `/jobs/${job.id}?run=${run.id}`;
          return (
            <li key={run.id} className={isShown ? 'run is-shown' : 'run'}>
              <AppLink to={to} aria-current={isShown ? 'true' : undefined} className="run-link">
                {t.runs.number(number)}
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
                  {run.agentResultMessage}
                </span>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
