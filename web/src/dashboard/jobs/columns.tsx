import type { ReactNode } from 'react';
import { nameOf } from '../data/hooks';
import { progressOf } from '../data/parts';
import { isActive } from '../data/states';
import type { JobState, ListedJob, LiveJob } from '../data/types';
import { about } from '../format/duration';
import { compact, count, NONE, percent, rate } from '../format/number';
import { ProgressBar } from '../ui/bar';
import { AppLink } from '../ui/link';
import { StateLabel } from '../ui/state';
import { Moment, WorkTime } from '../ui/time';

/** A job as its row shows it: as it was listed, with what is known of it since. */
export interface Row {
  job: ListedJob;
  state: JobState;
  run: (ListedJob['currentRun'] & object) | LiveRun | null;
}
type LiveRun = LiveJob['currentRun'] & object;

export interface Column {
  key: string;
  label: string;
  /** Its width, as a track of a grid. */
  track: string;
  /** How wide the table must be for it to be there without being asked for; never: only if asked. */
  from: number;
  isNumber?: boolean;
  cell(row: Row): ReactNode;
}

const none = <span className="muted">{NONE}</span>;

function isScheduled(job: ListedJob): boolean {
  return Boolean(job.scheduledDate && Date.parse(job.scheduledDate) > Date.now());
}

function Progress({ state, run }: Row) {
  const value = progressOf(run);
  if (isActive(state)) {
    const isMoving = state === 'EXECUTING';
    const left = run?.estimatedRemaining;
    return (
      <span className="progress">
        <ProgressBar value={value} label="Progress" tone={state.toLowerCase()} isMoving={isMoving} />
        <span className="progress-text">
          <b>{value === null ? NONE : percent(value)}</b>
          {run?.isStale ? (
            <span className="stale">no report</span>
          ) : (
            isMoving &&
            typeof left === 'number' && <span className="muted">{about(left)} left</span>
          )}
        </span>
      </span>
    );
  }
  return value === null ? none : <span className="muted">{percent(value)}</span>;
}

function Tasks({ run }: Row) {
  if (!run) return none;
  const failed = run.agentTasksFailedCount;
  return (
    <span title={`${count(run.agentTasksCompletedCount)} of ${count(run.agentTasksCount)} done`}>
      {compact(run.agentTasksCompletedCount)}
      <span className="muted"> / {compact(run.agentTasksCount)}</span>
      {failed ? <span className="failed-count">{compact(failed)} failed</span> : null}
    </span>
  );
}

const priorities: Record<number, string> = { 0: 'Low', 2: 'Normal', 4: 'High' };

const never = Number.POSITIVE_INFINITY;

export const columns: readonly Column[] = [
  {
    key: 'state',
    label: 'State',
    track: '8.25rem',
    from: 0,
    cell: ({ job, state }) => <StateLabel state={state} isScheduled={isScheduled(job)} />,
  },
  {
    key: 'job',
    label: 'Job',
    track: 'minmax(13rem, 1.6fr)',
    from: 0,
    cell: ({ job }) => (
      <span className="two-lines">
        <AppLink className="row-link one-line" to={`/jobs/${job.id}`}>
          {nameOf(job)}
        </AppLink>
        <span className="muted one-line">
          {job.configuration ? (
            <>
              <AppLink className="plain above" to={`/configurations/${job.configuration.id}`}>
                {nameOf(job.configuration)}
              </AppLink>
              {job.configuration.provider && ` · ${job.configuration.provider}`}
            </>
          ) : (
            'no configuration'
          )}
        </span>
      </span>
    ),
  },
  {
    key: 'agent',
    label: 'Agent',
    track: '7rem',
    from: 940,
    cell: ({ run }) =>
      run?.agent ? (
        <AppLink className="plain above one-line" to={`/agents/${run.agent.id}`}>
          {nameOf(run.agent)}
        </AppLink>
      ) : (
        none
      ),
  },
  { key: 'progress', label: 'Progress', track: '8.5rem', from: 0, cell: Progress },
  {
    key: 'started',
    label: 'Started',
    track: '7.25rem',
    from: 0,
    cell: ({ job, run }) =>
      run?.agentStartTime ? (
        <Moment at={run.agentStartTime} />
      ) : isScheduled(job) ? (
        <span className="muted">
          due <Moment at={job.scheduledDate} />
        </span>
      ) : (
        none
      ),
  },
  {
    key: 'duration',
    label: 'Duration',
    track: '5.25rem',
    from: 700,
    isNumber: true,
    cell: ({ run, state }) => <WorkTime run={run} isRunning={state === 'EXECUTING'} />,
  },
  { key: 'tasks', label: 'Tasks', track: '7.5rem', from: 1_040, isNumber: true, cell: Tasks },
  {
    key: 'clues',
    label: 'Clues',
    track: '4.25rem',
    from: 1_180,
    isNumber: true,
    cell: ({ run }) => (
      <span title={count(run?.agentCluesCount)}>{compact(run?.agentCluesCount)}</span>
    ),
  },
  {
    key: 'message',
    label: 'Message',
    track: 'minmax(9rem, 1.6fr)',
    from: 840,
    cell: ({ run, state }) =>
      run?.agentResultMessage ? (
        <span
          className={state === 'FAILED' ? 'message is-failure' : 'message'}
          title={run.agentResultMessage}
        >
          {run.agentResultMessage}
        </span>
      ) : (
        none
      ),
  },
  { key: 'type', label: 'Type', track: '8rem', from: never, cell: ({ job }) => job.type ?? none },
  {
    key: 'priority',
    label: 'Priority',
    track: '5rem',
    from: never,
    cell: ({ job }) => priorities[job.priority] ?? job.priority,
  },
  {
    key: 'created',
    label: 'Created',
    track: '7.25rem',
    from: never,
    cell: ({ job }) => <Moment at={job.createdDate} />,
  },
  {
    key: 'scheduled',
    label: 'Scheduled for',
    track: '7.25rem',
    from: never,
    cell: ({ job }) => <Moment at={job.scheduledDate} />,
  },
  {
    key: 'updated',
    label: 'Last report',
    track: '7.25rem',
    from: never,
    cell: ({ run }) => <Moment at={run?.updateDate} />,
  },
  {
    key: 'rate',
    label: 'Tasks a minute',
    track: '7rem',
    from: never,
    isNumber: true,
    cell: ({ run }) => rate(run?.tasksPerMinute),
  },
  {
    key: 'id',
    label: 'Id',
    track: '19rem',
    from: never,
    cell: ({ job }) => <span className="mono one-line">{job.id}</span>,
  },
];

/** Those that were chosen, or those that a table of this width has room for. */
export function columnsFor(chosen: readonly string[] | undefined, width: number): Column[] {
  const shown = columns.filter(({ key, from }) =>
    chosen ? chosen.includes(key) || key === 'job' : width >= from,
  );
  return shown;
}
