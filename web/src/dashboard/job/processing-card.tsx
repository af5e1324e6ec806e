import { errorOf } from '../data/errors';
import { partsOf } from '../data/parts';
import type { FullRun } from '../data/types';
import { count, NONE, percent } from '../format/number';
import { PartsBar, ProgressBar } from '../ui/bar';
import { processingLabel } from '../ui/state';
import { FullMoment } from '../ui/time';
import { Count, Unavailable } from '../ui/unavailable';
import { Figure } from './agent-card';

function doneOf(run: FullRun): number | null {
  const total = run.processingTasksCount;
  if (!total || run.processingTasksCompletedCount === null) return null;
  const done =
    run.processingTasksCompletedCount +
    (run.processingTasksFailedCount ?? 0) +
    (run.processingTasksSkippedCount ?? 0);
  // More may yet be submitted, so only the pipeline itself can say that it is through.
  const isOver = run.processingState === 'COMPLETED' && done >= total;
  return isOver ? 100 : Math.min((done / total) * 100, 99.9);
}

/** The server's half: what the pipeline made of what was submitted. */
export function ProcessingCard({ run }: { run: FullRun }) {
  const progress = doneOf(run);
  const progressError = errorOf(
    run,
    'processingTasksCount',
    'processingTasksCompletedCount',
    'processingTasksFailedCount',
    'processingTasksSkippedCount',
  );
  const tasks = partsOf(run, 'processingTasksCount', [
    ['completed', 'done', 'processingTasksCompletedCount'],
    ['failed', 'failed', 'processingTasksFailedCount'],
    ['skipped', 'skipped', 'processingTasksSkippedCount'],
    ['queued', 'waiting', 'processingTasksQueuedCount'],
  ]);
  const unchanged = [
    ['already exists', 'processingTasksAlreadyExistsCount'],
    ['up to date', 'processingTasksAlreadyUpToDateCount'],
    ['ignored', 'processingTasksIgnoredCount'],
  ] as const;
  const state = run.processingState ?? 'QUEUED';
  const isMoving = run.processingState === 'QUEUED' || run.processingState === 'EXECUTING';
  return (
    <section className="card" aria-labelledby="processing-title">
      <header className="card-head">
        <h2 id="processing-title">Processing</h2>
        <span className="card-figure">
          {progress === null ? NONE : percent(progress)}
          <Unavailable error={progressError} />
        </span>
      </header>
      <ProgressBar
        value={progress}
        label="Progress of processing"
        tone={state.toLowerCase()}
        isMoving={isMoving}
      />
      <dl className="figures">
        <Figure name="State">{processingLabel(run.processingState)}</Figure>
        <Figure name="Payloads">
          <Count of={run} field="processingTasksReceivedPayloadsCount" />
        </Figure>
        <Figure name="Clues">
          <Count of={run} field="processingTasksReceivedCluesCount" />
        </Figure>
        <Figure name="Log lines">
          <Count of={run} field="processingTasksReceivedLogLinesCount" />
        </Figure>
      </dl>
      <h3 className="parts-title">
        Tasks <b>{count(tasks.total)}</b>
        <Unavailable error={tasks.totalError} />
        <span className="muted">
          <Count of={run} field="processingTaskRetriesCount" /> retries
        </span>
      </h3>
      <PartsBar parts={tasks} of="Processing tasks" />
      <h3 className="parts-title">No change needed</h3>
      <ul className="legend" aria-label="Tasks that changed nothing">
        {unchanged.map(([label, field]) => (
          <li key={label} className={run[field] || errorOf(run, field) ? undefined : 'is-none'}>
            <span>{label}</span>
            <b>
              <Count of={run} field={field} />
            </b>
          </li>
        ))}
      </ul>
      <dl className="lines">
        <div>
          <dt>Last change</dt>
          <dd>
            <FullMoment at={run.processingUpdatedDate} />
          </dd>
        </div>
      </dl>
    </section>
  );
}
