import type { ReactNode } from 'react';
import { errorOf } from '../data/errors';
import { nameOf } from '../data/hooks';
import { progressFields, progressOf } from '../data/parts';
import { lossOf } from '../data/processing';
import { isActive, isOver } from '../data/states';
import type { JobState, ListedJob, LiveJob } from '../data/types';
import { about } from '../format/duration';
import { compact, count, NONE, percent, rate } from '../format/number';
import { type Messages, t } from '../i18n';
import { ProgressBar } from '../ui/bar';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { processingLabel, StateLabel } from '../ui/state';
import { Moment, WorkTime } from '../ui/time';
import type { Filter } from './filter';

/** A job as its row shows it: as it was listed, with what is known of it since. */
export interface Row {
  job: ListedJob;
  state: JobState;
  run: ListedRun | LiveRun | null;
}
type ListedRun = ListedJob['currentRun'] & object;
type LiveRun = LiveJob['currentRun'] & object;

export interface Column {
  /** Its label is the text of the same name. */
  key: Exclude<keyof Messages['columns'], 'title' | 'reset'>;
  /** Its width, as a track of a grid. */
  track: string;
  /** The room it takes at least, in pixels. */
  room: number;
  isNumber?: boolean;
  /** The fields of the job and of its run that the cell is made of, as far as they can fail. */
  jobFields?: readonly (keyof ListedJob & string)[];
  runFields?: readonly (keyof ListedRun & string)[];
  cell(row: Row): ReactNode;
}

/** Why something is missing in a cell, if that is because of an error. */
export function cellError(row: Row, { jobFields = [], runFields = [] }: Column) {
  const { job, run } = row;
  const ofRun = runFields.length > 0 && !run ? errorOf(job, 'currentRun') : undefined;
  return errorOf(job, ...jobFields) ?? errorOf(run as ListedRun | null, ...runFields) ?? ofRun;
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
        <ProgressBar
          value={value}
          label={t.jobs.progress}
          tone={state.toLowerCase()}
          isMoving={isMoving}
        />
        <span className="progress-text">
          <b>{value === null ? NONE : percent(value)}</b>
          {run?.isStale ? (
            <span className="stale">{t.jobs.notReporting}</span>
          ) : (
            isMoving &&
            typeof left === 'number' && <span className="muted">{t.jobs.left(about(left))}</span>
          )}
        </span>
      </span>
    );
  }
  return value === null ? none : <span className="muted">{percent(value)}</span>;
}

/** That a job's data is lost or incomplete, though its agent completed. */
function Loss({ job, state }: Row) {
  // A live run does not tell how it was processed; the list is read again once a job ends.
  const loss = state === 'COMPLETED' ? lossOf(job.currentRun) : null;
  if (!loss) return null;
  return (
    <span className="loss tone-failed">
      <icons.warning width={13} height={13} />
      <span>{loss.isFailed ? t.jobs.processingFailed : t.jobs.cluesMissing(loss.missing)}</span>
    </span>
  );
}

function Tasks({ run }: Row) {
  if (!run) return none;
  const failed = run.agentTasksFailedCount;
  return (
    <span title={t.jobs.tasksDone(count(run.agentTasksCompletedCount), count(run.agentTasksCount))}>
      {compact(run.agentTasksCompletedCount)}
      <span className="muted"> / {compact(run.agentTasksCount)}</span>
      {failed ? <span className="failed-count">{t.jobs.tasksFailed(compact(failed))}</span> : null}
    </span>
  );
}

export const columns: readonly Column[] = [
  {
    key: 'state',
    track: '9.25rem',
    room: 148,
    cell: (row) => (
      <span className="state-cell">
        <StateLabel state={row.state} isScheduled={isScheduled(row.job)} />
        <Loss {...row} />
      </span>
    ),
  },
  {
    key: 'job',
    track: 'minmax(13rem, 1.6fr)',
    room: 208,
    jobFields: ['configuration'],
    cell: ({ job }) => (
      <span className="two-lines">
        <AppLink className="row-link one-line" to={`/jobs/${job.id}`}>
          {nameOf(job)}
        </AppLink>
        <span className="muted one-line">
          {[
            job.configuration ? nameOf(job.configuration) : t.jobs.noConfiguration,
            job.configuration?.provider,
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </span>
    ),
  },
  {
    key: 'agent',
    track: '7rem',
    room: 112,
    runFields: ['agent'],
    cell: ({ run }) =>
      run?.agent ? (
        <AppLink className="plain one-line" to={`/agents/${run.agent.id}`}>
          {nameOf(run.agent)}
        </AppLink>
      ) : (
        none
      ),
  },
  {
    key: 'progress',
    track: '8.5rem',
    room: 136,
    runFields: [...progressFields, 'estimatedRemaining'],
    cell: Progress,
  },
  {
    key: 'started',
    track: '7.25rem',
    room: 116,
    runFields: ['agentStartTime'],
    cell: ({ job, run }) =>
      run?.agentStartTime ? (
        <Moment at={run.agentStartTime} />
      ) : isScheduled(job) ? (
        <span className="muted">{t.jobs.due(<Moment at={job.scheduledDate} />)}</span>
      ) : (
        none
      ),
  },
  {
    key: 'duration',
    track: '5.25rem',
    room: 84,
    isNumber: true,
    runFields: ['agentElapsedExecutionTime'],
    cell: ({ run, state }) => <WorkTime run={run} isRunning={state === 'EXECUTING'} />,
  },
  {
    key: 'tasks',
    track: '7.5rem',
    room: 120,
    isNumber: true,
    runFields: ['agentTasksCount', 'agentTasksCompletedCount', 'agentTasksFailedCount'],
    cell: Tasks,
  },
  {
    key: 'clues',
    track: '4.25rem',
    room: 72,
    isNumber: true,
    runFields: ['agentCluesCount'],
    cell: ({ run }) => (
      <span title={count(run?.agentCluesCount)}>{compact(run?.agentCluesCount)}</span>
    ),
  },
  {
    key: 'processing',
    track: '8rem',
    room: 128,
    runFields: ['processingState'],
    cell: ({ job, state }) =>
      job.currentRun && isOver(state) ? processingLabel(job.currentRun.processingState) : none,
  },
  {
    key: 'message',
    track: 'minmax(9rem, 1.6fr)',
    room: 160,
    runFields: ['agentResultMessage'],
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
  { key: 'type', track: '8rem', room: 128, cell: ({ job }) => job.type ?? none },
  {
    key: 'priority',
    track: '5rem',
    room: 80,
    cell: ({ job }) => t.priority(job.priority),
  },
  {
    key: 'created',
    track: '7.25rem',
    room: 116,
    cell: ({ job }) => <Moment at={job.createdDate} />,
  },
  {
    key: 'scheduled',
    track: '7.25rem',
    room: 120,
    cell: ({ job }) => <Moment at={job.scheduledDate} />,
  },
  {
    key: 'updated',
    track: '7.25rem',
    room: 116,
    runFields: ['updateDate'],
    cell: ({ run }) => <Moment at={run?.updateDate} />,
  },
  {
    key: 'rate',
    track: '7rem',
    room: 116,
    isNumber: true,
    runFields: ['tasksPerMinute'],
    cell: ({ run }) => rate(run?.tasksPerMinute),
  },
  {
    key: 'id',
    track: '19rem',
    room: 304,
    cell: ({ job }) => <span className="mono one-line">{job.id}</span>,
  },
];

/** What matters, the most important first, by what the list shows. */
const wanted = {
  any: ['state', 'job', 'progress', 'started', 'duration', 'message', 'agent', 'tasks', 'clues'],
  over: ['state', 'job', 'started', 'message', 'duration', 'agent', 'tasks', 'clues'],
  waiting: ['state', 'job', 'scheduled', 'created', 'priority', 'type'],
};

/** For the box to select a row and for its menu. */
export const BESIDE = 76;

function kindOf({ states, isScheduled }: Pick<Filter, 'states' | 'isScheduled'>) {
  if (isScheduled || (states.length > 0 && states.every((state) => state === 'QUEUED'))) {
    return wanted.waiting;
  }
  return states.length > 0 && states.every(isOver) ? wanted.over : wanted.any;
}

/** The columns that were chosen, or those that a table of this width has room for. */
export function columnsFor(
  filter: Pick<Filter, 'states' | 'isScheduled' | 'columns'>,
  width: number,
): Column[] {
  const { columns: chosen } = filter;
  if (chosen) return columns.filter(({ key }) => chosen.includes(key) || key === 'job');
  let room = width - BESIDE;
  const shown = new Set<string>();
  for (const key of kindOf(filter)) {
    const column = columns.find((each) => each.key === key);
    room -= column?.room ?? 0;
    if (room < 0) break;
    shown.add(key);
  }
  return columns.filter(({ key }) => shown.has(key));
}
