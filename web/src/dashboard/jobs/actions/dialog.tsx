import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState } from 'react';
import { request } from '../../data/client';
import { forceCancel, requestCancellation, retryJobs } from '../../data/documents';
import { textOf } from '../../data/states';
import type { JobState } from '../../data/types';
import { count } from '../../format/number';
import { t } from '../../i18n';
import { Dialog } from '../../ui/dialog';
import { icons } from '../../ui/icons';
import { say } from '../../ui/notice';
import { Moment } from '../../ui/time';
import { type BulkAction, begin, leaveDialog, useIsBusy } from './current';
import type { Action, ChosenJob } from './eligible';
import { includedKinds, type Kind, type Plan, planForAll, planForJobs, type Target } from './plan';
import { Controls, messageOf, Report, titleOf, useProgress, wordsFor } from './report';
import { handled, hasEnded, Run, type Send } from './run';

export interface Request {
  action: Action;
  target: Target;
}

interface Props extends Request {
  /** The states that the list is filtered by. */
  named?: readonly JobState[];
  close(): void;
  /** Called when all of it has been done, the dialog being open or not. */
  done?(): void;
}

/** Above this, and for jobs that succeeded, the number must be typed. */
const UNTYPED = 500;
/** So many of the jobs that were chosen are named. */
const NAMED = 5;

const sender =
  (action: Action, reason: string): Send =>
  async (ids) => {
    const jobIds = [...ids];
    const input = { jobIds, reason: reason || null };
    if (action === 'retry') return (await request(retryJobs, { input })).retryJobs.results;
    if (action === 'force') return (await request(forceCancel, { input })).forceCancel.results;
    return (await request(requestCancellation, { input })).requestCancellation.results;
  };

/** Says exactly what would be done, does it once that is confirmed, and tells how far it is. */
export function ActionDialog(props: Props) {
  const { action, target, named = [], close, done } = props;
  const client = useQueryClient();
  const [bulk, setBulk] = useState<BulkAction>();
  const isOpen = useRef(true);
  useEffect(() => {
    isOpen.current = true;
    return () => {
      isOpen.current = false;
    };
  }, []);
  const single = 'jobs' in target && target.jobs.length === 1 ? target.jobs[0] : undefined;

  const start = async (plan: Plan, kinds: ReadonlySet<Kind>, reason: string) => {
    const parts = plan.parts.filter(({ kind }) => kinds.has(kind));
    const total = parts.reduce((sum, { n }) => sum + n, 0);
    const isExact = parts.every((part) => part.isExact);
    const run = new Run(
      parts.map(({ source }) => source()),
      sender(action, reason),
    );
    const next = { action, total, isExact, run };
    const words = wordsFor(action);
    run.subscribe(() => {
      const { status } = run.get();
      if (status === 'running' || status === 'stopping') return;
      void client.invalidateQueries();
      if (status === 'finished') done?.();
    });
    if (!single) begin(next);
    setBulk(next);
    await run.start();
    const progress = run.get();
    const isAllDone = progress.status === 'finished' && progress.done >= total;
    if (isAllDone && (isOpen.current || single)) {
      say(words.done(progress.done));
      if (isOpen.current) close();
    }
  };
  return bulk ? (
    <Doing bulk={bulk} isSingle={single !== undefined} close={close} />
  ) : (
    <Asking
      action={action}
      target={target}
      single={single}
      named={named}
      close={close}
      start={start}
    />
  );
}

function Asking({
  action,
  target,
  single,
  named,
  close,
  start,
}: Request & {
  single: ChosenJob | undefined;
  named: readonly JobState[];
  close(): void;
  start(plan: Plan, kinds: ReadonlySet<Kind>, reason: string): void;
}) {
  const words = wordsFor(action);
  const isByHand = 'jobs' in target;
  const [plan, setPlan] = useState(() =>
    isByHand ? planForJobs(action, target.jobs, Date.now()) : undefined,
  );
  const [failure, setFailure] = useState<string>();
  const [chosen, setChosen] = useState<ReadonlySet<Kind>>();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const isOtherRunning = useIsBusy() && !single;
  const blockedId = useId();

  // biome-ignore lint/correctness/useExhaustiveDependencies: counted once, as the dialog opens.
  useEffect(() => {
    if (isByHand) return;
    let isGone = false;
    planForAll(action, target, Date.now()).then(
      (counted) => isGone || setPlan(counted),
      (error) => isGone || setFailure(messageOf(error)),
    );
    return () => {
      isGone = true;
    };
  }, []);

  const kinds = chosen ?? (plan && includedKinds(action, plan, named, isByHand)) ?? new Set();
  const parts = plan?.parts.filter(({ kind }) => kinds.has(kind)) ?? [];
  const n = parts.reduce((sum, part) => sum + part.n, 0);
  const isExact = parts.every((part) => part.isExact);
  const isTyped = !single && (n > UNTYPED || parts.some(({ kind }) => kind === 'COMPLETED'));
  const isConfirmed = !isTyped || typed.replace(/\D/g, '') === String(n);
  const isReady = plan !== undefined && n > 0 && isConfirmed && !isOtherRunning;
  const isNothing = plan !== undefined && plan.parts.length === 0;
  const hasChoice = plan !== undefined && (plan.parts.length > 1 || (n === 0 && !isNothing));
  const confirm = () => {
    if (isReady && plan) start(plan, kinds, reason);
  };
  const toggle = (kind: Kind) => {
    const next = new Set(kinds);
    if (!next.delete(kind)) next.add(kind);
    setChosen(next);
    setTyped('');
  };
  return (
    <Dialog
      title={words.title(single ? single.name : plan && t.actions.jobs(n, isExact))}
      onClose={close}
    >
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          confirm();
        }}
      >
        <div className="dialog-content">
          {single && <Single job={single} />}
          {plan && !isByHand && n > 0 && (
            <p>
              {t.actions.appliesTo(
                <b>
                  {t.actions.scope({
                    ...target.scope,
                    states: parts.map((part) => [
                      part.kind,
                      t.actions.number(part.n, part.isExact),
                    ]),
                  })}
                </b>,
              )}
            </p>
          )}
          {plan && isByHand && !single && <Chosen action={action} jobs={target.jobs} plan={plan} />}
          {!plan && !failure && (
            <p className="muted" role="status">
              {t.actions.counting}
            </p>
          )}
          {hasChoice && (
            <fieldset className="kinds">
              <legend>{t.actions.include}</legend>
              {plan.parts.map((part) => (
                <label key={part.kind}>
                  <input
                    type="checkbox"
                    checked={kinds.has(part.kind)}
                    onChange={() => toggle(part.kind)}
                  />
                  <span>{textOf(part.kind).label}</span>
                  <span>{t.actions.number(part.n, part.isExact)}</span>
                </label>
              ))}
            </fieldset>
          )}
          {plan && plan.skipped.length > 0 && !single && (
            <ul className="bulk-result muted">
              {plan.skipped.map((each) => (
                <li key={each.reason}>
                  {t.actions.skipped(
                    t.actions.number(each.n, each.isExact),
                    t.actions.reasons[each.reason],
                  )}
                </li>
              ))}
            </ul>
          )}
          {plan && !isExact && <p>{words.all(n)}</p>}
          {plan && <p>{isNothing ? words.none : words.effect}</p>}
          {!isNothing && (
            <label className="field">
              <span>{t.actions.reason}</span>
              <input
                className="input"
                {...(action !== 'retry' ? { 'data-initial-focus': true } : {})}
                value={reason}
                maxLength={1_000}
                onChange={(event) => setReason(event.target.value)}
              />
            </label>
          )}
          {isTyped && n > 0 && (
            <label className="field">
              <span>{t.actions.typeNumber(<b>{count(n)}</b>)}</span>
              <input
                className="input"
                inputMode="numeric"
                autoComplete="off"
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            </label>
          )}
          {(failure || isOtherRunning) && (
            <p className="problem" role="alert" id={blockedId}>
              <icons.warning /> {failure ?? t.actions.otherRunning}
            </p>
          )}
        </div>
        <footer className="dialog-foot">
          <button
            type="button"
            className="button"
            onClick={close}
            {...(isNothing ? { 'data-initial-focus': true } : {})}
          >
            {isNothing ? t.common.close : words.back}
          </button>
          {!isNothing && (
            <button
              type="submit"
              className={action === 'retry' ? 'button is-primary' : 'button is-danger'}
              aria-disabled={!isReady}
              aria-describedby={failure || isOtherRunning ? blockedId : undefined}
              {...(action === 'retry' ? { 'data-initial-focus': true } : {})}
            >
              {words.confirm(plan && t.actions.jobs(n, isExact))}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}

function Single({ job }: { job: ChosenJob }) {
  return (
    <dl className="facts">
      {job.configuration && (
        <div>
          <dt>{t.filters.configuration}</dt>
          <dd>{job.configuration}</dd>
        </div>
      )}
      <div>
        <dt>{t.columns.state}</dt>
        <dd>{textOf(job.state).label}</dd>
      </div>
      {job.started && (
        <div>
          <dt>{t.columns.started}</dt>
          <dd>
            <Moment at={job.started} />
          </dd>
        </div>
      )}
    </dl>
  );
}

/** How many of the selected jobs the action is possible for, and the first of them by name. */
function Chosen({
  action,
  jobs,
  plan,
}: {
  action: Action;
  jobs: readonly ChosenJob[];
  plan: Plan;
}) {
  const n = plan.parts.reduce((sum, part) => sum + part.n, 0);
  const names = jobs.slice(0, NAMED).map(({ id, name }) => <li key={id}>{name}</li>);
  return (
    <>
      <p>{wordsFor(action).possible(n, jobs.length)}</p>
      <ul className="bulk-names">
        {names}
        {jobs.length > NAMED && <li className="muted">{t.actions.more(jobs.length - NAMED)}</li>}
      </ul>
    </>
  );
}

function Doing({ bulk, isSingle, close }: { bulk: BulkAction; isSingle: boolean; close(): void }) {
  const progress = useProgress(bulk);
  // However the dialog goes away, the action stays in view.
  useEffect(() => (isSingle ? undefined : leaveDialog), [isSingle]);
  const isOver = hasEnded(progress) || (isSingle && handled(progress) > 0);
  return (
    <Dialog title={titleOf(bulk, progress)} onClose={close}>
      <div className="dialog-content">
        <Report bulk={bulk} progress={progress} />
        {!isOver && !isSingle && <p className="muted">{t.actions.goesOn}</p>}
      </div>
      <footer className="dialog-foot">
        <Controls bulk={bulk} progress={progress} />
        <button type="button" className="button" data-initial-focus onClick={close}>
          {t.common.close}
        </button>
      </footer>
    </Dialog>
  );
}
