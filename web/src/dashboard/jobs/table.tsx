import { type CSSProperties, useCallback, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { ListedJob } from '../data/types';
import { useIsOnlyViewer } from '../data/viewer';
import { t } from '../i18n';
import { prefetchJobPage } from '../pages';
import type { Action } from './actions';
import { BESIDE, columns, columnsFor } from './columns';
import type { Filter } from './filter';
import { JobRow } from './row';

interface Props {
  jobs: readonly ListedJob[];
  filter: Filter;
  selected: ReadonlyMap<string, ListedJob>;
  select(jobs: readonly ListedJob[], isSelected: boolean): void;
  act(action: Action, job: ListedJob): void;
  isStale: boolean;
}

/** Below this width each row is a card of its own. */
const CARDS = 640;

const inCards = ['state', 'job', 'progress', 'started', 'message'];
const cardColumns = columns.filter(({ key }) => inCards.includes(key));

/** The list of jobs. All its rows are in the document, to be found, printed and read out. */
export function JobTable({ jobs, filter, selected, select, act, isStale }: Props) {
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
  const { states, isScheduled, columns: chosen } = filter;
  // The same array each time, so that rows need not be drawn again.
  const shown = useMemo(
    () => (isCards ? cardColumns : columnsFor({ states, isScheduled, columns: chosen }, width)),
    [isCards, states, isScheduled, chosen, width],
  );
  const least = BESIDE + shown.reduce((sum, { room }) => sum + room, 0);
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
  const printTracks = shown.map(({ room }) => `minmax(0, ${room}fr)`).join(' ');
  return (
    <div
      ref={ref}
      className={`table${isCards ? ' is-cards' : least > width ? ' is-wide' : ''}${isStale ? ' is-stale' : ''}`}
      role="table"
      aria-label={t.jobs.title}
      tabIndex={least > width && !isCards ? 0 : undefined}
      aria-rowcount={jobs.length + 1}
      style={
        {
          '--tracks': tracks,
          '--print-tracks': printTracks,
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
          {shown.map(({ key, isNumber }) => (
            <div key={key} className={isNumber ? 'cell number' : 'cell'} role="columnheader">
              {t.columns[key]}
            </div>
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
            isSelected={selected.has(job.id)}
            select={selectOne}
            act={act}
          />
        ))}
      </div>
    </div>
  );
}
