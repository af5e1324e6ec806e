import { type MouseEvent, memo } from 'react';
import { useLocation } from 'wouter';
import { root } from '../base';
import { nameOf } from '../data/hooks';
import { useIsOnlyViewer } from '../data/principal';
import type { ListedJob } from '../data/types';
import { t, useLanguage } from '../i18n';
import { useLeftTo, useLiveJob } from '../live/jobs';
import { Unavailable } from '../ui/unavailable';
import type { Action } from './actions';
import { type Column, cellError, type Fixed, type Row } from './columns';
import { RowMenu } from './row-menu';

interface Props {
  job: ListedJob;
  columns: readonly Column[];
  fixed: Fixed | undefined;
  index: number;
  isSelected: boolean;
  /** `isRange`: with the rows between it and the last one that was ticked. */
  select(id: string, isSelected: boolean, isRange: boolean): void;
  act(action: Action, job: ListedJob): void;
}

/** Whether a click is on the row itself: not on something in it, nor the end of selecting text. */
function isPlainClick({ button, target, defaultPrevented }: MouseEvent): boolean {
  if (button > 1 || defaultPrevented || !(target instanceof Element)) return false;
  // A menu is rendered elsewhere in the document; its events reach the row by way of React.
  if (!target.closest('.row') || target.closest('a,button,input,label')) return false;
  return window.getSelection()?.isCollapsed ?? true;
}

/** A job's row. It listens for its own job alone. */
export const JobRow = memo(function JobRow(props: Props) {
  const { job, columns, fixed, index, isSelected, select, act } = props;
  const [, navigate] = useLocation();
  const isOnlyViewer = useIsOnlyViewer();
  useLanguage();
  const live = useLiveJob(job.id);
  const left = useLeftTo(job.id);
  const state = live?.state ?? (left && left !== 'UNKNOWN' ? left : job.state);
  const row: Row = { job, state, run: live?.currentRun ?? job.currentRun, fixed };
  const open = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    if (event.button === 1 || event.ctrlKey || event.metaKey || event.shiftKey) {
      window.open(new URL(`jobs/${job.id}`, root), '_blank', 'noopener');
    } else {
      navigate(`/jobs/${job.id}`);
    }
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the job's name in it is a link for the keyboard.
    <div
      onClick={open}
      onAuxClick={open}
      className={`row tone-${state.toLowerCase()}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
    >
      <div className="cell cell-check" role="cell">
        {!isOnlyViewer && (
          <label className="check">
            <input
              type="checkbox"
              checked={isSelected}
              onChange={({ target, nativeEvent }) =>
                select(
                  job.id,
                  target.checked,
                  nativeEvent instanceof MouseEvent && nativeEvent.shiftKey,
                )
              }
            />
            <span className="hidden">{t.jobs.select(nameOf(job))}</span>
          </label>
        )}
      </div>
      {columns.map((column) => (
        <div
          key={column.key}
          className={column.isNumber ? 'cell number' : 'cell'}
          role="cell"
          data-column={column.key}
          data-label={t.columns[column.key]}
        >
          {column.cell(row)}
          <Unavailable error={cellError(row, column)} />
        </div>
      ))}
      <div className="cell cell-menu" role="cell">
        <RowMenu job={job} state={state} act={act} />
      </div>
    </div>
  );
});
