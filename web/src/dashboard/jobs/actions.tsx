import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { RequestError, request } from '../data/client';
import { requestCancellation, retryJobs } from '../data/documents';
import { finished, isCancellable, states } from '../data/states';
import type { JobState } from '../data/types';
import { t } from '../i18n';
import { Dialog } from '../ui/dialog';
import { icons } from '../ui/icons';
import { say } from '../ui/notice';
import type { Conditions } from './filter';

export type Action = 'cancel' | 'retry';

/** Which jobs an action is about: these, or all that match. */
export type Target =
  | { ids: readonly string[]; name?: string }
  | { conditions: Conditions; description: string };

export interface Request {
  action: Action;
  target: Target;
}

/** The API takes so many ids at a time. */
const BATCH = 1_000;

/**
 * The states that an action is for, of those that the list shows. Jobs that the action has been
 * done to are no more among them, so that the request can be repeated until none is left.
 */
export function statesFor(action: Action, shown: readonly JobState[]): JobState[] {
  if (action === 'retry') {
    const wanted = shown.length > 0 ? shown : (['FAILED', 'CANCELLED'] as const);
    return wanted.filter((state) => finished.includes(state));
  }
  const all = shown.length > 0 ? shown : states.map(({ state }) => state);
  return all.filter(isCancellable);
}

interface Answer {
  matchedCount: number;
  matchedCountIsExact: boolean;
  hasMore: boolean;
  results: readonly { refusal: { message: string } | null }[];
}

async function send(
  action: Action,
  which: { jobIds: string[] } | { filter: Conditions },
  options: { dryRun: boolean; reason?: string },
): Promise<Answer> {
  const { dryRun, reason } = options;
  if (action === 'cancel') {
    const input = { ...which, dryRun, reason: reason || null };
    return (await request(requestCancellation, { input })).requestCancellation;
  }
  return (await request(retryJobs, { input: { ...which, dryRun } })).retryJobs;
}

/** Asks before something is done, with how many jobs it is about, and then does it. */
export function ActionDialog({ action, target, close }: Request & { close(): void }) {
  const client = useQueryClient();
  const [matched, setMatched] = useState<{ n: number; isExact: boolean } | undefined>(
    'ids' in target ? { n: target.ids.length, isExact: true } : undefined,
  );
  const [reason, setReason] = useState('');
  const [done, setDone] = useState<number>();
  const [failure, setFailure] = useState<string>();
  const words = action === 'retry' ? t.actions.forRetry : t.actions.forCancel;
  const states = 'ids' in target ? [] : statesFor(action, target.conditions.states ?? []);
  const filter = 'ids' in target ? undefined : { ...target.conditions, states };

  // biome-ignore lint/correctness/useExhaustiveDependencies: counted once, as the dialog opens.
  useEffect(() => {
    if (!filter) return;
    if (states.length === 0) {
      setMatched({ n: 0, isExact: true });
      return;
    }
    send(action, { filter }, { dryRun: true }).then(
      (answer) => setMatched({ n: answer.matchedCount, isExact: answer.matchedCountIsExact }),
      (error) => setFailure(messageOf(error)),
    );
  }, []);

  const run = async () => {
    setDone(0);
    setFailure(undefined);
    let n = 0;
    const refusals: string[] = [];
    const take = ({ results }: Answer) => {
      for (const { refusal } of results) {
        if (refusal) refusals.push(refusal.message);
        else n += 1;
      }
      setDone(n + refusals.length);
    };
    try {
      if ('ids' in target) {
        for (let at = 0; at < target.ids.length; at += BATCH) {
          const jobIds = target.ids.slice(at, at + BATCH);
          take(await send(action, { jobIds }, { dryRun: false, reason }));
        }
      } else if (filter) {
        for (;;) {
          const before = n;
          const answer = await send(action, { filter }, { dryRun: false, reason });
          take(answer);
          if (!answer.hasMore || n === before) break;
        }
      }
    } catch (error) {
      const before = n > 0 ? ` ${t.actions.doneBeforeError(n)}` : '';
      setFailure(`${messageOf(error)}${before}`);
      setDone(undefined);
      await client.invalidateQueries();
      return;
    }
    await client.invalidateQueries();
    const result = words.done(n);
    const [first] = refusals;
    if (first) {
      say(`${result} ${t.actions.skipped(refusals.length, first)}`, true);
    } else {
      say(result);
    }
    close();
  };

  const n = matched?.n;
  const isReady = n !== undefined && n > 0 && done === undefined;
  const name = 'ids' in target ? target.name : undefined;
  const what = name ?? (n === undefined ? undefined : t.actions.jobs(n));
  return (
    <Dialog title={words.title(what)} onClose={close}>
      <div className="dialog-content">
        {'ids' in target ? null : <p>{t.actions.appliesTo(<b>{target.description}</b>)}</p>}
        {n === undefined ? (
          failure ? null : (
            <p className="muted">{t.actions.counting}</p>
          )
        ) : (
          <p>
            {n === 0 ? words.none : words.effect}
            {matched?.isExact === false && ` ${words.beyond(matched.n)}`}
          </p>
        )}
        {action === 'cancel' && n !== 0 && (
          <label className="field">
            <span>{t.actions.reason}</span>
            <input
              className="input"
              value={reason}
              maxLength={1_000}
              onChange={(event) => setReason(event.target.value)}
            />
          </label>
        )}
        {failure && (
          <p className="problem" role="alert">
            <icons.warning /> {failure}
          </p>
        )}
      </div>
      <footer className="dialog-foot">
        {done !== undefined && (
          <span className="muted">
            {t.actions.progress(done, matched?.isExact ? matched.n : undefined)}
          </span>
        )}
        <button type="button" className="button" onClick={close}>
          {n === 0 || done !== undefined ? t.common.close : words.back}
        </button>
        {n !== 0 && (
          <button
            type="button"
            className={action === 'cancel' ? 'button is-danger' : 'button is-primary'}
            disabled={!isReady}
            onClick={run}
          >
            {words.confirm(n)}
          </button>
        )}
      </footer>
    </Dialog>
  );
}

function messageOf(error: unknown): string {
  return error instanceof RequestError ? error.message : t.actions.failed;
}
