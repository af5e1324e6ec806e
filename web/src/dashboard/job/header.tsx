import { root } from '../base';
import { errorOf } from '../data/errors';
import { lastDigits, nameOf } from '../data/hooks';
import { useMayAct } from '../data/principal';
import { isActive, isOver, textOf } from '../data/states';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { type Action, obstacleTo } from '../jobs/actions';
import { useMode } from '../live/hooks';
import { ActionButton } from '../ui/action-button';
import { CopyButton, copyText } from '../ui/copy';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { say } from '../ui/notice';
import { ProcessingChip, StateChip } from '../ui/state';
import { Ago, Moment } from '../ui/time';
import { Unavailable } from '../ui/unavailable';
import { Bell } from './bell';
import { dueOf, isGoingOn } from './use-job';

interface Props {
  job: JobDetail;
  run: FullRun | null | undefined;
  state: JobState;
  isCurrent: boolean;
  act(action: Action): void;
  /** Opens the dialog that queues a job like this one. */
  queueCopy(): void;
  showJson(): void;
}

/** Stays in view: what this is, where it stands, and what can be done. */
export function JobHeader({ job, run, state, isCurrent, act, queueCopy, showJson }: Props) {
  const mayAct = useMayAct();
  const retryObstacle = obstacleTo('retry', job.state);
  const cancelObstacle = isCurrent ? obstacleTo('cancel', state) : 'earlierRun';
  const link = async () => {
    const address = new URL(`jobs/${job.id}${isCurrent ? '' : `?run=${run?.id}`}`, root).href;
    say((await copyText(address)) ? t.copy.copied(t.copy.link) : address);
  };
  return (
    <header className="job-head">
      <nav className="crumbs" aria-label={t.common.breadcrumb}>
        <AppLink to="/">{t.jobs.title}</AppLink>
        <Unavailable error={errorOf(job, 'configuration')} />
        {job.configuration && (
          <>
            <span aria-hidden="true">/</span>
            <AppLink to={`/configurations/${job.configuration.id}`}>
              {nameOf(job.configuration)}
            </AppLink>
          </>
        )}
      </nav>
      <div className="job-bar">
        <div className="job-title">
          <h1 className="one-line" title={nameOf(job)}>
            {nameOf(job)}
          </h1>
          <StateChip
            state={state}
            phase={run && state !== 'EXECUTION_COMPLETED' ? t.job.agent : ''}
          />
          {run && <ProcessingChip state={run.processingState} />}
          {!isCurrent && <span className="chip">{t.job.earlierRun}</span>}
        </div>
        <div className="job-tools">
          {mayAct && (
            <>
              <ActionButton
                blocked={retryObstacle && t.actions.notPossible[retryObstacle]}
                onClick={() => act('retry')}
              >
                <icons.retry /> {t.actions.retry}
              </ActionButton>
              <ActionButton
                blocked={cancelObstacle && t.actions.notPossible[cancelObstacle]}
                onClick={() => act('cancel')}
              >
                <icons.stop /> {t.actions.cancel}
              </ActionButton>
            </>
          )}
          {mayAct && isCurrent && isActive(state) && (
            <ActionButton blocked={undefined} onClick={() => act('force')}>
              <icons.stop /> {t.actions.force}
            </ActionButton>
          )}
          {mayAct && (
            <ActionButton blocked={undefined} onClick={queueCopy}>
              <icons.copy /> {t.actions.again}
            </ActionButton>
          )}
          <Bell job={job} />
          <button type="button" className="icon-button" title={t.job.copyLink} onClick={link}>
            <icons.link />
            <span className="hidden">{t.job.copyLink}</span>
          </button>
          <button type="button" className="icon-button" title={t.job.json} onClick={showJson}>
            <icons.braces />
            <span className="hidden">{t.job.json}</span>
          </button>
        </div>
      </div>
      <dl className="facts job-facts">
        <div>
          <dt>{t.job.agent}</dt>
          <dd>
            {run?.agent ? (
              <AppLink to={`/agents/${run.agentId}`} className="plain">
                {run.agent.name ?? lastDigits(run.agentId)}
              </AppLink>
            ) : (
              <>
                {NONE} <Unavailable error={errorOf(run, 'agent')} />
              </>
            )}
          </dd>
        </div>
        {job.type && (
          <div>
            <dt>{t.job.type}</dt>
            <dd className="one-line">{job.type}</dd>
          </div>
        )}
        <div>
          <dt>{t.job.priority}</dt>
          <dd>{t.priority(job.priority)}</dd>
        </div>
        <div>
          <dt>{t.job.id}</dt>
          <dd>
            <span className="mono" title={job.id}>
              {lastDigits(job.id)}
            </span>
            <CopyButton text={job.id} what={t.copy.jobId} />
          </dd>
        </div>
        {run && (
          <div>
            <dt>{t.job.run}</dt>
            <dd>
              <span className="mono" title={run.id}>
                {lastDigits(run.id)}
              </span>
              <CopyButton text={run.id} what={t.copy.runId} />
            </dd>
          </div>
        )}
        <div>
          <dt>{t.columns.created}</dt>
          <dd>
            <Moment at={job.createdDate} />
          </dd>
        </div>
        {run?.agentStartTime && (
          <div>
            <dt>{t.columns.started}</dt>
            <dd>
              <Moment at={run.agentStartTime} />
            </dd>
          </div>
        )}
        {run?.agentEndTime && (
          <div>
            <dt>{t.job.ended}</dt>
            <dd>
              <Moment at={run.agentEndTime} />
            </dd>
          </div>
        )}
        <Freshness job={job} run={run} state={state} />
      </dl>
    </header>
  );
}

/** Where it stands, how old what is shown is, and whether it goes on by itself. */
function Freshness({ job, run, state }: Pick<Props, 'job' | 'run' | 'state'>) {
  const mode = useMode();
  const due = dueOf(job);
  const isLive = mode === 'socket' || mode === 'events';
  const goesOn = state === 'QUEUED' ? false : isGoingOn(run) || isActive(state);
  const word =
    state === 'QUEUED'
      ? !due
        ? t.job.waits
        : Date.parse(due) > Date.now()
          ? textOf('SCHEDULED').label
          : t.jobs.due(<Ago at={due} />)
      : !goesOn
        ? isOver(state)
          ? t.job.finished
          : textOf(state).label
        : run?.isStale
          ? t.job.notReporting
          : isLive
            ? t.live.socket.label
            : mode === 'polling'
              ? t.live.polling.label
              : mode === 'paused'
                ? t.live.paused.label
                : t.job.notLive;
  return (
    <div className={`freshness is-${goesOn && !run?.isStale ? mode : 'final'}`}>
      <dt>
        <span className="live-dot" aria-hidden="true" /> {word}
      </dt>
      {run?.updateDate && state !== 'QUEUED' && (
        <dd>{t.job.updated(<Ago at={run.updateDate} />)}</dd>
      )}
    </div>
  );
}
