import { errorOf, isReported } from '../data/errors';
import { partsOf, progressError } from '../data/parts';
import { isActive } from '../data/states';
import type { FullRun } from '../data/types';
import { about, duration, lengthRange } from '../format/duration';
import { NONE, percent, rate } from '../format/number';
import { t } from '../i18n';
import { NotReported, PartsOf, ProgressBar } from '../ui/bar';
import { FullMoment, WorkTime } from '../ui/time';
import { Count, Unavailable } from '../ui/unavailable';
import { fieldsOf } from './field-names';
import { Message } from './message';

/** What the agent reports besides its state and result. */
const fields = [
  ...fieldsOf('agentTimes'),
  ...fieldsOf('agentCounts'),
  'agentPercentCompleted',
] as const;

/** The agent's half: how far, and what became of tasks and clues. */
export function AgentCard({ run }: { run: FullRun }) {
  const active = isActive(run.agentState);
  const reported = run.percentCompleted;
  // Of what is completed, a last report of 99 % tells nothing.
  const progress = run.agentState === 'COMPLETED' && reported !== 100 ? null : reported;
  const tasks = partsOf(run, 'agentTasksCount', [
    ['completed', t.run.parts.completed, 'agentTasksCompletedCount'],
    ['failed', t.run.parts.failed, 'agentTasksFailedCount'],
    ['queued', t.run.parts.queued, 'agentTasksQueuedCount'],
  ]);
  const clues = partsOf(run, 'agentCluesCount', [
    ['completed', t.run.parts.submitted, 'agentCluesCompletedCount'],
    ['failed', t.run.parts.failed, 'agentCluesFailedCount'],
    ['queued', t.run.parts.queued, 'agentCluesQueuedCount'],
  ]);
  const usual = usualOf(run);
  return (
    <section className="card" aria-labelledby="agent-title">
      <header className="card-head">
        <h2 id="agent-title">{t.job.agent}</h2>
        <span className="card-figure">
          {progress === null ? NONE : percent(progress)}
          <Unavailable error={progressError(run)} />
        </span>
      </header>
      {isReported(run, fields) ? (
        <>
          <ProgressBar
            value={progress}
            label={t.run.agentProgress}
            tone={run.agentState.toLowerCase()}
            isMoving={active && !run.isStale}
          />
          <dl className="figures">
            <Figure name={t.run.runTime} error={errorOf(run, 'agentElapsedExecutionTime')}>
              <WorkTime run={run} isRunning={active} />
              {usual && <small className="muted usual">{t.run.usually(usual)}</small>}
              {run.isOverdue && !run.isStale && (
                <span className="mark tone-cancelling">{t.jobs.longerThanUsual}</span>
              )}
            </Figure>
            <Figure name={t.run.remaining} error={errorOf(run, 'estimatedRemaining')}>
              {run.estimatedRemaining === null || run.isStale
                ? NONE
                : about(run.estimatedRemaining)}
            </Figure>
            <Figure name={t.run.rate} error={errorOf(run, 'tasksPerMinute')}>
              {rate(run.tasksPerMinute)}
            </Figure>
            <Figure name={t.run.queueTime} error={errorOf(run, 'agentElapsedQueuedTime')}>
              {duration(run.agentElapsedQueuedTime)}
            </Figure>
          </dl>
          <PartsOf
            name={t.run.tasks}
            parts={tasks}
            expected={run.agentExpectedTasksCount}
            note={
              isReported(run, ['agentExpectedTasksCount']) &&
              t.run.expected(<Count of={run} field="agentExpectedTasksCount" />)
            }
          />
          <PartsOf name={t.run.clues} parts={clues} />
        </>
      ) : (
        <NotReported />
      )}
      <dl className="lines">
        <div>
          <dt>{t.run.lastSubmission}</dt>
          <dd>
            <FullMoment at={run.agentLastSubmittedDate} />
          </dd>
        </div>
        {run.agentResultMessage && run.agentState !== 'FAILED' && (
          <div>
            <dt>{t.run.message}</dt>
            <dd className="last-word">
              <Message text={run.agentResultMessage} />
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}

/** How long runs like it take, given how long it has run. */
function usualOf({ forecast, agentStartTime, agentState }: FullRun): string | undefined {
  if (!forecast || !agentStartTime || !isActive(agentState)) return undefined;
  const start = Date.parse(agentStartTime);
  return lengthRange(Date.parse(forecast.earliest) - start, Date.parse(forecast.latest) - start);
}

export function Figure({
  name,
  error,
  children,
}: {
  name: string;
  /** Why its value is missing, if that is because of an error. */
  error?: string | undefined;
  children: React.ReactNode;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children} <Unavailable error={error} />
      </dd>
    </div>
  );
}
