import { root } from '../base';
import { errorOf } from '../data/errors';
import { nameOf } from '../data/hooks';
import { isCancellable, isOver } from '../data/states';
import type { FullRun, JobDetail, JobState } from '../data/types';
import { useMayAct } from '../data/viewer';
import type { Action } from '../jobs/actions';
import { useMode } from '../live/hooks';
import { CopyButton, copyText } from '../ui/copy';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { say } from '../ui/notice';
import { ProcessingChip, StateChip } from '../ui/state';
import { Ago } from '../ui/time';
import { Unavailable } from '../ui/unavailable';
import { Bell } from './bell';
import { isGoingOn } from './use-job';

/** What platforms call priorities; others are numbers. */
const priorities = new Map([
  [0, 'Low'],
  [2, 'Normal'],
  [4, 'High'],
]);

interface Props {
  job: JobDetail;
  run: FullRun | null | undefined;
  state: JobState;
  isCurrent: boolean;
  act(action: Action): void;
  showJson(): void;
}

/** Stays in view: what this is, where it stands, and what can be done. */
export function JobHeader({ job, run, state, isCurrent, act, showJson }: Props) {
  const mayAct = useMayAct();
  const link = async () => {
    const address = new URL(`jobs/${job.id}${isCurrent ? '' : `?run=${run?.id}`}`, root).href;
    say((await copyText(address)) ? 'Copied the link.' : address);
  };
  return (
    <header className="job-head">
      <nav className="crumbs" aria-label="Where this page is">
        <AppLink to="/">Jobs</AppLink>
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
          <StateChip state={state} phase={run ? 'Agent' : ''} />
          {run && <ProcessingChip state={run.processingState} />}
          {!isCurrent && <span className="chip">An earlier run</span>}
        </div>
        <div className="job-tools">
          <button
            type="button"
            className="button"
            disabled={!mayAct || !isOver(job.state)}
            onClick={() => act('retry')}
          >
            <icons.retry /> Retry…
          </button>
          <button
            type="button"
            className="button"
            disabled={!mayAct || !isCancellable(state) || !isCurrent}
            onClick={() => act('cancel')}
          >
            <icons.stop /> Cancel…
          </button>
          <Bell job={job} />
          <button type="button" className="icon-button" title="Copy the link" onClick={link}>
            <icons.link />
            <span className="hidden">Copy the link</span>
          </button>
          <button type="button" className="icon-button" title="Raw JSON" onClick={showJson}>
            <icons.braces />
            <span className="hidden">Raw JSON</span>
          </button>
        </div>
      </div>
      <dl className="facts job-facts">
        <div>
          <dt>Agent</dt>
          <dd>
            {run?.agent ? (
              <AppLink to={`/agents/${run.agentId}`} className="plain">
                {run.agent.name ?? `${run.agentId.slice(0, 8)}…`}
              </AppLink>
            ) : (
              <>
                – <Unavailable error={errorOf(run, 'agent')} />
              </>
            )}
          </dd>
        </div>
        {job.type && (
          <div>
            <dt>Type</dt>
            <dd className="one-line">{job.type}</dd>
          </div>
        )}
        <div>
          <dt>Priority</dt>
          <dd>{priorities.get(job.priority) ?? job.priority}</dd>
        </div>
        <div>
          <dt>Job</dt>
          <dd>
            <span className="mono">{job.id.slice(0, 8)}…</span>
            <CopyButton text={job.id} what="the job's id" />
          </dd>
        </div>
        {run && (
          <div>
            <dt>Run</dt>
            <dd>
              <span className="mono">{run.id.slice(0, 8)}…</span>
              <CopyButton text={run.id} what="the run's id" />
            </dd>
          </div>
        )}
        <Freshness run={run} />
      </dl>
    </header>
  );
}

/** How old what is shown is, and whether it goes on by itself. */
function Freshness({ run }: { run: FullRun | null | undefined }) {
  const mode = useMode();
  const isLive = mode === 'socket' || mode === 'events';
  const word = !isGoingOn(run)
    ? 'Final'
    : isLive
      ? 'Live'
      : mode === 'polling'
        ? 'Polling'
        : mode === 'paused'
          ? 'Paused'
          : 'Not live';
  return (
    <div className={`freshness is-${isGoingOn(run) ? mode : 'final'}`}>
      <dt>
        <span className="live-dot" aria-hidden="true" /> {word}
      </dt>
      <dd>
        updated <Ago at={run?.updateDate} />
      </dd>
    </div>
  );
}
