import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { RequestError } from '../../data/client';
import { t } from '../../i18n';
import { icons } from '../../ui/icons';
import type { BulkAction } from './current';
import { handled, hasEnded, type Progress } from './run';

export const wordsFor = (action: BulkAction['action']) =>
  ({ retry: t.actions.forRetry, cancel: t.actions.forCancel, force: t.actions.forForce })[action];

export const messageOf = (error: unknown): string =>
  error instanceof RequestError ? error.message : t.actions.failed;

export const useProgress = ({ run }: BulkAction): Progress =>
  useSyncExternalStore(run.subscribe, run.get);

/** What is being done, as a title. */
export function titleOf({ action }: BulkAction, { status }: Progress): string {
  const words = wordsFor(action);
  switch (status) {
    case 'running':
      return words.running;
    case 'stopping':
      return t.actions.stopping;
    case 'stopped':
      return t.actions.stopped;
    case 'failed':
      return t.actions.interrupted;
    case 'finished':
      return t.actions.finished;
  }
}

/** How far it is; at its end, what became of each job. */
export function Report({ bulk, progress }: { bulk: BulkAction; progress: Progress }) {
  const { total, isExact } = bulk;
  const { done, refused, status, error } = progress;
  const words = wordsFor(bulk.action);
  const n = handled(progress);
  const left = Math.max(total - n, 0);
  const isGoing = status === 'running' || status === 'stopping';
  return (
    <>
      {!hasEnded(progress) && (
        <div className="bulk-progress">
          <progress max={Math.max(total, n, 1)} value={n} aria-label={words.running} />
          <span>{t.actions.progress(n, total, isExact)}</span>
        </div>
      )}
      {!isGoing && (
        <ul className="bulk-result">
          {status === 'failed' && (
            <li className="problem">
              <icons.warning /> {messageOf(error)}
            </li>
          )}
          <li>{words.done(done)}</li>
          {refused.map(({ code, message, n: count }) => (
            <li key={code}>{t.actions.refused(count, code, message)}</li>
          ))}
          {status !== 'finished' && (left > 0 || !isExact) && (
            <li>{t.actions.notStarted(left, isExact)}</li>
          )}
          {status === 'finished' && left > 0 && <li>{t.actions.changedMeanwhile(left)}</li>}
        </ul>
      )}
    </>
  );
}

/** Stops or resumes it. What the pages show is read again at each end. */
export function Controls({ bulk, progress }: { bulk: BulkAction; progress: Progress }) {
  const client = useQueryClient();
  const resume = async () => {
    await bulk.run.start();
    await client.invalidateQueries();
  };
  const { status } = progress;
  if (status === 'running' || status === 'stopping') {
    return (
      <button
        type="button"
        className="button"
        aria-disabled={status === 'stopping'}
        onClick={() => bulk.run.stop()}
      >
        <icons.stop /> {t.actions.stop}
      </button>
    );
  }
  if (status !== 'failed') return null;
  return (
    <>
      <button type="button" className="button" onClick={() => bulk.run.stop()}>
        {t.actions.giveUp}
      </button>
      <button type="button" className="button is-primary" onClick={resume}>
        {t.actions.resume}
      </button>
    </>
  );
}
