import { type CSSProperties, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useIsOnlyViewer } from '../data/principal';
import type { ListedJob } from '../data/types';
import { t } from '../i18n';
import { prefetchJobPage } from '../pages';
import { useSettings } from '../settings/settings';
import { icons } from '../ui/icons';
import type { Action } from './actions';
import {
  BESIDE,
  type Column,
  columns,
  columnsFor,
  type Fixed,
  roomOf,
  sortedColumn,
} from './columns';
import { type Filter, type Sort, sortOf } from './filter';
import { JobRow } from './row';

interface Props {
  jobs: readonly ListedJob[];
  filter: Filter;
  fixed: Fixed | undefined;
  sortBy(sort: Sort): void;
  selected: ReadonlyMap<string, ListedJob>;
  select(jobs: readonly ListedJob[], isSelected: boolean): void;
  act(action: Action, job: ListedJob): void;
  isStale: boolean;
}

/** Below this width each row is a card of its own. */
const CARDS = 640;

/** What a card shows: what the list is sorted by, and when the job began unless that is another moment. */
const cardColumns = (sorted: Column | undefined) => {
  const moment = sorted?.isMoment ? sorted.key : 'started';
  const shown = ['state', 'job', 'progress', moment, sorted?.key, 'message'];
  return columns.filter(({ key }) => shown.includes(key));
};

/** The list of jobs. All its rows are in the document, to be found, printed and read out. */
export function JobTable(props: Props) {
  const { jobs, filter, fixed, sortBy, selected, select, act, isStale } = props;
  const { hours } = useSettings();
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(() => Math.min(window.innerWidth, 1_440) - 48);
  useLayoutEffect(() => {
    const table = ref.current;
    if (!table) return;
    const measure = () => setWidth(table.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(table);
    return () => observer.disconnect();
  }, []);
  const isCards = width < CARDS;
  const { states, isScheduled, columns: chosen, sort } = filter;
  // The same array each time, so that rows need not be drawn again.
  const shown = useMemo(
    () =>
      isCards
        ? cardColumns(sortedColumn({ isScheduled, states, sort }))
        : columnsFor({ states, isScheduled, columns: chosen, sort }, width, { hours, fixed }),
    [isCards, states, isScheduled, chosen, sort, width, hours, fixed],
  );
  const least = BESIDE + shown.reduce((sum, column) => sum + roomOf(column, hours), 0);
  const isOnlyViewer = useIsOnlyViewer();
  const latest = useRef({ jobs, select });
  latest.current = { jobs, select };
  const lastTicked = useRef<string>(undefined);
  // The same function each time, so that rows need not be drawn again.
  const selectOne = useCallback((id: string, isSelected: boolean, isRange: boolean) => {
    const { jobs: listed, select: selectJobs } = latest.current;
    const to = listed.findIndex((job) => job.id === id);
    const from = isRange ? listed.findIndex((job) => job.id === lastTicked.current) : -1;
    lastTicked.current = id;
    const first = from < 0 ? to : Math.min(from, to);
    selectJobs(listed.slice(first, Math.max(from, to) + 1), isSelected);
  }, []);
  const all = jobs.length > 0 && jobs.every(({ id }) => selected.has(id));
  const some = jobs.some(({ id }) => selected.has(id));
  const own = shown.map(({ track }) => track);
  const tracks = ['2.25rem', ...own, '2.5rem'].join(' ');
  // On paper there is neither a box to tick nor a menu, and the page may be narrower.
  const printTracks = shown.map((column) => `minmax(0, ${roomOf(column, hours)}fr)`).join(' ');
  const hasMessages = shown.some(({ key }) => key === 'message');
  return (
    <div
      ref={ref}
      className={[
        'table',
        isCards ? 'is-cards' : hasMessages && 'has-messages',
        !isCards && least > width && 'is-wide',
        isStale && 'is-stale',
      ]
        .filter(Boolean)
        .join(' ')}
      role="table"
      aria-label={t.jobs.title}
      tabIndex={least > width && !isCards ? 0 : undefined}
      aria-rowcount={jobs.length + 1}
      style={
        {
          '--tracks': tracks,
          '--print-tracks': printTracks,
          '--moment': hours === '12' ? '8.5rem' : '7.25rem',
          '--least': `${isCards ? 0 : least}px`,
        } as CSSProperties
      }
    >
      <div className="table-head" role="rowgroup">
        <div className="row is-head" role="row" aria-rowindex={1}>
          <div className="cell cell-check" role="columnheader">
            {!isOnlyViewer && (
              <label className="check">
                <input
                  type="checkbox"
                  checked={all}
                  ref={(input) => {
                    if (input) input.indeterminate = some && !all;
                  }}
                  onChange={(event) => select(jobs, event.target.checked)}
                />
                <span className="hidden">{t.jobs.selectPage}</span>
              </label>
            )}
          </div>
          {shown.map((column) => (
            <Header
              key={column.key}
              column={column}
              present={sortOf(filter)}
              sortBy={isCards ? undefined : sortBy}
            />
          ))}
          <div className="cell cell-menu" role="columnheader">
            <span className="hidden">{t.common.actions}</span>
          </div>
        </div>
      </div>
      <div
        className="table-body"
        role="rowgroup"
        onPointerEnter={prefetchJobPage}
        onFocus={prefetchJobPage}
      >
        {jobs.map((job, index) => (
          <JobRow
            key={job.id}
            job={job}
            index={index}
            columns={shown}
            fixed={fixed}
            isSelected={selected.has(job.id)}
            select={selectOne}
            act={act}
          />
        ))}
      </div>
    </div>
  );
}

/** A column's header, which sorts by it where the API can. */
function Header({
  column: { key, isNumber, sort },
  present,
  sortBy,
}: {
  column: Column;
  present: Sort;
  sortBy: ((sort: Sort) => void) | undefined;
}) {
  const isAscending = sort?.ascending === present;
  const isDescending = sort?.descending === present;
  const next = isAscending ? sort?.descending : isDescending ? sort?.ascending : sort?.first;
  return (
    <div
      className={isNumber ? 'cell number' : 'cell'}
      role="columnheader"
      aria-sort={isAscending ? 'ascending' : isDescending ? 'descending' : undefined}
    >
      {next && sortBy ? (
        <button type="button" className="sort" onClick={() => sortBy(next)}>
          {t.columns[key]}
          {isAscending && <icons.up width={12} height={12} />}
          {isDescending && <icons.down width={12} height={12} />}
        </button>
      ) : (
        t.columns[key]
      )}
    </div>
  );
}
