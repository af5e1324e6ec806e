import { partsOf } from '../data/parts';
import type { FullRun } from '../data/types';
import { count, NONE, percent } from '../format/number';
import { PartsBar, ProgressBar } from '../ui/bar';
import { processingLabel } from '../ui/state';
import { FullMoment } from '../ui/time';
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
  const tasks = partsOf(run.processingTasksCount, [
    ['completed', 'done', run.processingTasksCompletedCount],
    ['failed', 'failed', run.processingTasksFailedCount],
    ['skipped', 'skipped', run.processingTasksSkippedCount],
    ['queued', 'waiting', run.processingTasksQueuedCount],
  ]);
  const unchanged = [
    ['already exists', run.processingTasksAlreadyExistsCount],
    ['up to date', run.processingTasksAlreadyUpToDateCount],
    ['ignored', run.processingTasksIgnoredCount],
  ] as const;
  const state = run.processingState ?? 'QUEUED';
  const isMoving = run.processingState === 'QUEUED' || run.processingState === 'EXECUTING';
  return (
    <section className="card" aria-labelledby="processing-title">
      <header className="card-head">
        <h2 id="processing-title">Processing</h2>
        <span className="card-figure">{progress === null ? NONE : percent(progress)}</span>
      </header>
      <ProgressBar
        value={progress}
        label="Progress of processing"
        tone={state.toLowerCase()}
        isMoving={isMoving}
      />
      <dl className="figures">
        <Figure name="State">{processingLabel(run.processingState)}</Figure>
        <Figure name="Payloads">{count(run.processingTasksReceivedPayloadsCount)}</Figure>
        <Figure name="Clues">{count(run.processingTasksReceivedCluesCount)}</Figure>
        <Figure name="Log lines">{count(run.processingTasksReceivedLogLinesCount)}</Figure>
      </dl>
      <h3 className="parts-title">
        Tasks <b>{count(tasks.total)}</b>
        <span className="muted">{count(run.processingTaskRetriesCount)} retries</span>
      </h3>
      <PartsBar parts={tasks} of="Processing tasks" />
      <h3 className="parts-title">No change needed</h3>
      <ul className="legend" aria-label="Tasks that changed nothing">
        {unchanged.map(([label, value]) => (
          <li key={label} className={value ? undefined : 'is-none'}>
            <span>{label}</span>
            <b>{count(value)}</b>
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
