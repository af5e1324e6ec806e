import { partsOf, progressOf } from '../data/parts';
import { isActive } from '../data/states';
import type { FullRun } from '../data/types';
import { about, duration } from '../format/duration';
import { count, NONE, percent, rate } from '../format/number';
import { PartsBar, ProgressBar } from '../ui/bar';
import { FullMoment, WorkTime } from '../ui/time';

/** The agent's half: how far, and what became of tasks and clues. */
export function AgentCard({ run }: { run: FullRun }) {
  const active = isActive(run.agentState);
  const progress = progressOf(run);
  const tasks = partsOf(run.agentTasksCount, [
    ['completed', 'done', run.agentTasksCompletedCount],
    ['failed', 'failed', run.agentTasksFailedCount],
    ['queued', 'waiting', run.agentTasksQueuedCount],
  ]);
  const clues = partsOf(run.agentCluesCount, [
    ['completed', 'submitted', run.agentCluesCompletedCount],
    ['failed', 'failed', run.agentCluesFailedCount],
    ['queued', 'waiting', run.agentCluesQueuedCount],
  ]);
  return (
    <section className="card" aria-labelledby="agent-title">
      <header className="card-head">
        <h2 id="agent-title">Agent</h2>
        <span className="card-figure">{progress === null ? NONE : percent(progress)}</span>
      </header>
      <ProgressBar
        value={progress}
        label="Progress of the agent"
        tone={run.agentState.toLowerCase()}
        isMoving={active && !run.isStale}
      />
      <dl className="figures">
        <Figure name="Time at work">
          <WorkTime run={run} isRunning={active} />
        </Figure>
        <Figure name="Time left">
          {run.estimatedRemaining === null ? NONE : about(run.estimatedRemaining)}
        </Figure>
        <Figure name="Tasks a minute">{rate(run.tasksPerMinute)}</Figure>
        <Figure name="Waited">{duration(run.agentElapsedQueuedTime)}</Figure>
      </dl>
      <h3 className="parts-title">
        Tasks <b>{count(tasks.total)}</b>
        <span className="muted">of {count(run.agentExpectedTasksCount)} expected</span>
      </h3>
      <PartsBar parts={tasks} of="Tasks" expected={run.agentExpectedTasksCount} />
      <h3 className="parts-title">
        Clues <b>{count(clues.total)}</b>
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

export function Figure({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
