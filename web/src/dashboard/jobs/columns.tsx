import type { ReactNode } from 'react';
import { errorOf } from '../data/errors';
import { nameOf } from '../data/hooks';
import { progressFields } from '../data/parts';
import { lossOf } from '../data/processing';
import { isActive, isOver } from '../data/states';
import type { JobState, ListedJob, RunProgress } from '../data/types';
import { about, relative } from '../format/duration';
import { compact, count, NONE, percent, rate } from '../format/number';
import { type Messages, t } from '../i18n';
import { useNow } from '../live/clock';
import type { Settings } from '../settings/settings';
import { ProgressBar } from '../ui/bar';
import { icons } from '../ui/icons';
import { AppLink } from '../ui/link';
import { ProcessingFailed, processingLabel, StateLabel } from '../ui/state';
import { Moment, WorkTime } from '../ui/time';
import { type Filter, type Sort, sortOf } from './filter';

/** What a page is about, and so need not be said in each of its rows. */
export type Fixed = 'configuration' | 'agent';

/** A job as its row shows it: as it was listed, with what is known of it since. */
export interface Row {
  job: ListedJob;
  state: JobState;
  run: RunProgress | null;
  fixed?: Fixed | undefined;
}
type ListedRun = ListedJob['currentRun'] & object;

export interface Column {
  /** Its label is the text of the same name. */
  key: Exclude<keyof Messages['columns'], 'title' | 'reset'>;
  /** Its width, as a track of a grid. */
  track: string;
  /** The room it takes at least, in pixels. */
  room: number;
  isNumber?: boolean;
  /** Whether it shows moments, which take more room with twelve hours. */
  isMoment?: boolean;
  /** The orders by it, if the API has them. */
  sort?: { readonly ascending: Sort; readonly descending: Sort; readonly first: Sort };
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

/** A value of a run. A job without one has none yet: that is no gap. */
const ofRun = (run: Row['run'], text: string) => (run ? text : null);

function isScheduled(job: ListedJob): boolean {
  return Boolean(job.scheduledDate && Date.parse(job.scheduledDate) > Date.now());
}

/** Agents ask for jobs more often than this, so a job that waits longer is overdue. */
const LATE = 60_000;

/** The state of a job with a scheduled date that waits: not due yet, or since when. */
function Waiting({ job, due }: { job: ListedJob; due: number }) {
  const now = useNow();
  // A retry queues a job again, long after it was due first.
  const since = Math.max(due, job.queuedDate ? Date.parse(job.queuedDate) : due);
  return (
    <>
      <StateLabel state="QUEUED" isScheduled={due > now} />
      {now - since > LATE && (
        <span className="mark tone-cancelling">
          <icons.clock width={13} height={13} />
          <span>{t.jobs.overdue(relative(since, now))}</span>
        </span>
      )}
    </>
  );
}

function Progress({ state, run }: Row) {
  const value = run?.percentCompleted ?? null;
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
            typeof left === 'number' && (
              <span className="muted time-left">{t.jobs.left(about(left))}</span>
            )
          )}
        </span>
      </span>
    );
  }
  if (value === null) return run ? none : null;
  return <span className="muted">{percent(value)}</span>;
}

/** What an agent says of its run; while it goes on, how long it will still take and how fast it is. */
function Message({ run, state }: Row) {
  if (run?.agentResultMessage) {
    return (
      <span
        className={state === 'FAILED' ? 'message is-failure' : 'message'}
        title={run.agentResultMessage}
      >
        {run.agentResultMessage}
      </span>
    );
  }
  if (!run || !isActive(state) || run.isStale) return null;
  const { estimatedRemaining: left, tasksPerMinute } = run;
  const parts = [
    state === 'EXECUTING' && typeof left === 'number' && t.jobs.left(about(left)),
    typeof tasksPerMinute === 'number' && t.jobs.rate(rate(tasksPerMinute)),
  ].filter(Boolean);
  return parts.length > 0 ? <span className="muted">{parts.join(' · ')}</span> : null;
}

/** That a job's data is lost or incomplete, though its agent completed or goes on. */
function Loss({ job, state, run }: Row) {
  if (isActive(state)) return run?.processingState === 'FAILED' && <ProcessingFailed />;
  // A live run does not count what was received; the list is read again once a job ends.
  const loss = state === 'COMPLETED' ? lossOf(job.currentRun) : null;
  if (!loss) return null;
  if (loss.isFailed) return <ProcessingFailed />;
  return (
    <span className="mark tone-failed">
      <icons.warning width={13} height={13} />
      <span>{t.jobs.cluesMissing(loss.missing)}</span>
    </span>
  );
}

/** That a run takes longer than runs like it do. One that does not report is marked as that. */
function Overdue({ state, run }: Row) {
  if (!isActive(state) || !run?.isOverdue || run.isStale) return null;
  return (
    <span className="mark tone-cancelling">
      <icons.clock width={13} height={13} />
      <span>{t.jobs.longerThanUsual}</span>
    </span>
  );
}

function Tasks({ run }: Row) {
  if (!run) return null;
  const failed = run.agentTasksFailedCount;
  return (
    <span title={t.jobs.tasksDone(count(run.agentTasksCompletedCount), count(run.agentTasksCount))}>
      {compact(run.agentTasksCompletedCount)}
      <span className="muted"> / {compact(run.agentTasksCount)}</span>
      {failed ? <span className="failed-count">{t.jobs.tasksFailed(compact(failed))}</span> : null}
    </span>
  );
}

/** The width of columns of moments, which depends on the clock. */
const MOMENT = 'var(--moment)';

export const columns: readonly Column[] = [
  {
    key: 'state',
    track: '9.25rem',
    room: 148,
    cell: (row) => (
      <span className="state-cell">
        {row.state === 'QUEUED' && row.job.scheduledDate ? (
          <Waiting job={row.job} due={Date.parse(row.job.scheduledDate)} />
        ) : (
          <StateLabel state={row.state} />
        )}
        <Loss {...row} />
        <Overdue {...row} />
      </span>
    ),
  },
  {
    key: 'job',
    track: 'minmax(13rem, 1.6fr)',
    room: 208,
    sort: { ascending: 'name', descending: 'name-down', first: 'name' },
    jobFields: ['configuration'],
    cell: ({ job, fixed }) => (
      <span className="two-lines">
        <AppLink className="row-link one-line" to={`/jobs/${job.id}`}>
          {nameOf(job)}
        </AppLink>
        {fixed !== 'configuration' && (
          <span className="muted one-line">
            {[
              job.configuration ? nameOf(job.configuration) : t.jobs.noConfiguration,
              job.configuration?.provider,
            ]
              .filter(Boolean)
              .join(' · ')}
          </span>
        )}
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
        run && none
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
    key: 'created',
    track: MOMENT,
    room: 116,
    isMoment: true,
    sort: { ascending: 'oldest', descending: 'newest', first: 'newest' },
    cell: ({ job }) => <Moment at={job.createdDate} />,
  },
  {
    key: 'scheduled',
    track: MOMENT,
    room: 120,
    isMoment: true,
    sort: { ascending: 'due', descending: 'due-down', first: 'due' },
    cell: ({ job }) =>
      job.scheduledDate ? (
        <Moment at={job.scheduledDate} />
      ) : (
        // It is due as soon as it is there.
        <span className="muted">
          <Moment at={job.createdDate} />
        </span>
      ),
  },
  {
    key: 'changed',
    track: MOMENT,
    room: 116,
    isMoment: true,
    sort: { ascending: 'unchanged', descending: 'changed', first: 'changed' },
    cell: ({ job }) => <Moment at={job.updateDate ?? job.createdDate} />,
  },
  {
    key: 'started',
    sort: { ascending: 'started-up', descending: 'started', first: 'started' },
    track: MOMENT,
    room: 116,
    isMoment: true,
    runFields: ['agentStartTime'],
    cell: ({ job, run }) =>
      run?.agentStartTime ? (
        <Moment at={run.agentStartTime} />
      ) : isScheduled(job) ? (
        <span className="muted">{t.jobs.due(<Moment at={job.scheduledDate} />)}</span>
      ) : (
        run && none
      ),
  },
  {
    key: 'finished',
    sort: { ascending: 'finished-up', descending: 'finished', first: 'finished' },
    track: MOMENT,
    room: 116,
    isMoment: true,
    runFields: ['agentEndTime'],
    // A live run does not tell when it ended; the list is read again once a job ends. A job that was cancelled
    // while it waited has no run.
    cell: ({ job, state }) =>
      isOver(state) && <Moment at={job.currentRun?.agentEndTime ?? job.updateDate} />,
  },
  {
    key: 'duration',
    sort: { ascending: 'shortest', descending: 'longest', first: 'longest' },
    track: '5.25rem',
    room: 84,
    isNumber: true,
    runFields: ['agentElapsedExecutionTime'],
    cell: ({ run, state }) => run && <WorkTime run={run} isRunning={state === 'EXECUTING'} />,
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
      <span title={run ? count(run.agentCluesCount) : undefined}>
        {ofRun(run, compact(run?.agentCluesCount))}
      </span>
    ),
  },
  {
    key: 'processing',
    track: '8rem',
    room: 128,
    runFields: ['processingState'],
    cell: ({ job, state }) =>
      job.currentRun && isOver(state) && processingLabel(job.currentRun.processingState),
  },
  {
    key: 'message',
    track: 'minmax(9rem, 1.6fr)',
    room: 160,
    runFields: ['agentResultMessage', 'estimatedRemaining', 'tasksPerMinute'],
    cell: Message,
  },
  { key: 'type', track: '8rem', room: 128, cell: ({ job }) => job.type },
  {
    key: 'priority',
    track: '5.5rem',
    room: 88,
    sort: { ascending: 'priority-up', descending: 'priority', first: 'priority' },
    cell: ({ job }) => t.priority(job.priority),
  },
  {
    key: 'updated',
    track: MOMENT,
    room: 116,
    isMoment: true,
    runFields: ['updateDate'],
    cell: ({ run }) => run && <Moment at={run.updateDate} />,
  },
  {
    key: 'rate',
    track: '7rem',
    room: 116,
    isNumber: true,
    runFields: ['tasksPerMinute'],
    cell: ({ run }) => ofRun(run, rate(run?.tasksPerMinute)),
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
  any: ['state', 'job', 'progress', 'message', 'started', 'duration', 'agent', 'tasks', 'clues'],
  over: ['state', 'job', 'message', 'finished', 'duration', 'agent', 'tasks', 'clues', 'started'],
  waiting: ['state', 'job', 'scheduled', 'created', 'priority', 'type'],
};

/** For the box to select a row and for its menu. */
export const BESIDE = 76;

/** The room that a column of moments takes more with twelve hours. */
const TWELVE_HOURS = 20;

type Clock = Settings['hours'];

/** The room that a column takes at least. */
export const roomOf = ({ room, isMoment }: Column, hours: Clock): number =>
  isMoment && hours === '12' ? room + TWELVE_HOURS : room;

function kindOf({ states, isScheduled }: Pick<Filter, 'states' | 'isScheduled'>) {
  if (isScheduled || (states.length > 0 && states.every((state) => state === 'QUEUED'))) {
    return wanted.waiting;
  }
  return states.length > 0 && states.every(isOver) ? wanted.over : wanted.any;
}

type Shown = Pick<Filter, 'states' | 'isScheduled' | 'columns' | 'sort'>;

/** The column that the list is sorted by. */
export function sortedColumn(
  filter: Pick<Filter, 'isScheduled' | 'states' | 'sort'>,
): Column | undefined {
  const order = sortOf(filter);
  return columns.find(({ sort }) => sort?.ascending === order || sort?.descending === order);
}

/**
 * The columns that were chosen, or those that a table of this width has room for; the one that the
 * list is sorted by in any case.
 */
export function columnsFor(
  filter: Shown,
  width: number,
  { hours = '24', fixed }: { hours?: Clock; fixed?: Fixed | undefined } = {},
): Column[] {
  const { columns: chosen } = filter;
  const sorted = sortedColumn(filter)?.key ?? 'job';
  if (chosen) {
    return columns.filter(({ key }) => chosen.includes(key) || key === 'job' || key === sorted);
  }
  let room = width - BESIDE;
  const shown = new Set<string>();
  // Those two are there whatever the room.
  for (const key of new Set(['job', sorted, ...kindOf(filter)])) {
    if (key === fixed) continue;
    const column = columns.find((each) => each.key === key);
    room -= column ? roomOf(column, hours) : 0;
    if (room < 0 && shown.size > 1) break;
    shown.add(key);
  }
  return columns.filter(({ key }) => shown.has(key));
}
