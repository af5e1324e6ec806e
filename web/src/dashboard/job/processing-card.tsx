import { errorOf, isReported } from '../data/errors';
import { partsOf } from '../data/parts';
import type { FullRun } from '../data/types';
import { compact, NONE, percent } from '../format/number';
import { t } from '../i18n';
import { NotReported, PartsOf, ProgressBar } from '../ui/bar';
import { processingLabel } from '../ui/state';
import { FullMoment } from '../ui/time';
import { Count, Unavailable } from '../ui/unavailable';
import { Figure } from './agent-card';
import { fieldsOf } from './field-names';

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

/** Where the agent reported and processing did not, it has not started. */
const ofAgent = [...fieldsOf('agentTimes'), ...fieldsOf('agentCounts')] as const;
const fields = [...fieldsOf('processingTimes'), ...fieldsOf('processingCounts')] as const;

/** The server's half: what the pipeline made of what was submitted. */
export function ProcessingCard({ run }: { run: FullRun }) {
  const done = doneOf(run);
  const progress = run.processingState === 'COMPLETED' && done !== 100 ? null : done;
  const progressError = errorOf(
    run,
    'processingTasksCount',
    'processingTasksCompletedCount',
    'processingTasksFailedCount',
    'processingTasksSkippedCount',
  );
  const tasks = partsOf(run, 'processingTasksCount', [
    ['completed', t.run.parts.completed, 'processingTasksCompletedCount'],
    ['failed', t.run.parts.failed, 'processingTasksFailedCount'],
    ['skipped', t.run.parts.skipped, 'processingTasksSkippedCount'],
    ['queued', t.run.parts.queued, 'processingTasksQueuedCount'],
  ]);
  const unchanged = [
    [t.run.parts.exists, 'processingTasksAlreadyExistsCount'],
    [t.run.parts.upToDate, 'processingTasksAlreadyUpToDateCount'],
    [t.run.parts.ignored, 'processingTasksIgnoredCount'],
  ] as const;
  const state = run.processingState ?? 'QUEUED';
  const isMoving = run.processingState === 'QUEUED' || run.processingState === 'EXECUTING';
  return (
    <section className="card" aria-labelledby="processing-title">
      <header className="card-head">
        <h2 id="processing-title">{t.job.processing}</h2>
        <span className="card-figure">
          {progress === null
            ? NONE
            : isMoving
              ? t.run.ofReceived(
                  compact(((run.processingTasksCount ?? 0) * progress) / 100),
                  compact(run.processingTasksCount),
                )
              : percent(progress)}
          <Unavailable error={progressError} />
        </span>
      </header>
      {isReported(run, fields) ? (
        <>
          <ProgressBar
            value={progress}
            label={t.run.processingProgress}
            tone={state.toLowerCase()}
            isMoving={isMoving}
          />
          <dl className="figures">
            <Figure name={t.run.state}>{processingLabel(run.processingState)}</Figure>
            <Figure name={t.run.payloads}>
              <Count of={run} field="processingTasksReceivedPayloadsCount" />
            </Figure>
            <Figure name={t.run.clues}>
              <Count of={run} field="processingTasksReceivedCluesCount" />
            </Figure>
            <Figure name={t.run.logLines}>
              <Count of={run} field="processingTasksReceivedLogLinesCount" />
            </Figure>
          </dl>
          <PartsOf
            name={t.run.tasks}
            parts={tasks}
            of={t.run.processingTasks}
            note={
              isReported(run, ['processingTaskRetriesCount']) &&
              t.run.retries(<Count of={run} field="processingTaskRetriesCount" />)
            }
          />
          <h3 className="parts-title">{t.run.unchanged}</h3>
          <ul className="legend" aria-label={t.run.unchangedTasks}>
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
              <dt>{t.run.lastUpdate}</dt>
              <dd>
                <FullMoment at={run.processingUpdatedDate} />
              </dd>
            </div>
          </dl>
        </>
      ) : isReported(run, ofAgent) ? (
        <p className="muted">{processingLabel(null)}</p>
      ) : (
        <NotReported />
      )}
    </section>
  );
}
