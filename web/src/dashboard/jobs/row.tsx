import { memo, type Ref } from 'react';
import { nameOf } from '../data/hooks';
import { isCancellable, isOver } from '../data/states';
import type { ListedJob } from '../data/types';
import { useMayAct } from '../data/viewer';
import { t, useLanguage } from '../i18n';
import { useLeftTo, useLiveJob } from '../live/jobs';
import { Unavailable } from '../ui/unavailable';
import type { Action } from './actions';
import { type Column, cellError, type Row } from './columns';
import { RowMenu } from './row-menu';

interface Props {
  job: ListedJob;
  columns: readonly Column[];
  index: number;
  isSelected: boolean;
  select(id: string, isSelected: boolean): void;
  act(action: Action, job: ListedJob): void;
  measure: Ref<HTMLDivElement>;
}

/** A job's row. It listens for its own job alone. */
export const JobRow = memo(function JobRow(props: Props) {
  const { job, columns, index, isSelected, select, act, measure } = props;
  const mayAct = useMayAct();
  useLanguage();
  const live = useLiveJob(job.id);
  const left = useLeftTo(job.id);
  const state = live?.state ?? (left && left !== 'UNKNOWN' ? left : job.state);
  const row: Row = { job, state, run: live?.currentRun ?? job.currentRun };
  return (
    <div
      ref={measure}
      data-index={index}
      className={`row tone-${state.toLowerCase()}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
    >
      <div className="cell cell-check" role="cell">
        <label className="check">
          <input
            type="checkbox"
            checked={isSelected}
            onChange={(event) => select(job.id, event.target.checked)}
          />
          <span className="hidden">{t.jobs.select(nameOf(job))}</span>
        </label>
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
        <RowMenu
          job={job}
          canCancel={mayAct && isCancellable(state)}
          canRetry={mayAct && isOver(state)}
          act={act}
        />
      </div>
    </div>
  );
});
