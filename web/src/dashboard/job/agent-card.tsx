import { errorOf } from '../data/errors';
import { partsOf, progressError, progressOf } from '../data/parts';
import { isActive } from '../data/states';
import type { FullRun } from '../data/types';
import { about, duration } from '../format/duration';
import { count, NONE, percent, rate } from '../format/number';
import { PartsBar, ProgressBar } from '../ui/bar';
import { FullMoment, WorkTime } from '../ui/time';
import { Count, Unavailable } from '../ui/unavailable';

/** The agent's half: how far, and what became of tasks and clues. */
export function AgentCard({ run }: { run: FullRun }) {
  const active = isActive(run.agentState);
  const progress = progressOf(run);
  const tasks = partsOf(run, 'agentTasksCount', [
    ['completed', 'done', 'agentTasksCompletedCount'],
    ['failed', 'failed', 'agentTasksFailedCount'],
    ['queued', 'waiting', 'agentTasksQueuedCount'],
  ]);
  const clues = partsOf(run, 'agentCluesCount', [
    ['completed', 'submitted', 'agentCluesCompletedCount'],
    ['failed', 'failed', 'agentCluesFailedCount'],
    ['queued', 'waiting', 'agentCluesQueuedCount'],
  ]);
  return (
    <section className="card" aria-labelledby="agent-title">
      <header className="card-head">
        <h2 id="agent-title">Agent</h2>
        <span className="card-figure">
          {progress === null ? NONE : percent(progress)}
          <Unavailable error={progressError(run)} />
        </span>
      </header>
      <ProgressBar
        value={progress}
        label="Progress of the agent"
        tone={run.agentState.toLowerCase()}
        isMoving={active && !run.isStale}
      />
      <dl className="figures">
        <Figure name="Time at work" error={errorOf(run, 'agentElapsedExecutionTime')}>
          <WorkTime run={run} isRunning={active} />
        </Figure>
        <Figure name="Time left" error={errorOf(run, 'estimatedRemaining')}>
          {run.estimatedRemaining === null ? NONE : about(run.estimatedRemaining)}
        </Figure>
        <Figure name="Tasks a minute" error={errorOf(run, 'tasksPerMinute')}>
          {rate(run.tasksPerMinute)}
        </Figure>
        <Figure name="Waited" error={errorOf(run, 'agentElapsedQueuedTime')}>
          {duration(run.agentElapsedQueuedTime)}
        </Figure>
      </dl>
      <h3 className="parts-title">
        Tasks <b>{count(tasks.total)}</b>
        <Unavailable error={tasks.totalError} />
        <span className="muted">
          of <Count of={run} field="agentExpectedTasksCount" /> expected
        </span>
      </h3>
      <PartsBar parts={tasks} of="Tasks" expected={run.agentExpectedTasksCount} />
      <h3 className="parts-title">
        Clues <b>{count(clues.total)}</b>
        <Unavailable error={clues.totalError} />
      </h3>
      <PartsBar parts={clues} of="Clues" />
      <dl className="lines">
        <div>
          <dt>Last submission</dt>
          <dd>
            <FullMoment at={run.agentLastSubmittedDate} />
          </dd>
        </div>
        {run.agentResultMessage && (
          <div>
            <dt>Last word</dt>
            <dd className="last-word">{run.agentResultMessage}</dd>
          </div>
        )}
      </dl>
    </section>
  );
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
