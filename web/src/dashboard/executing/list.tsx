import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useMemo, useRef, useState } from 'react';
import { errorOf } from '../data/errors';
import { nameOf } from '../data/hooks';
import { progressFields } from '../data/parts';
import type { LiveJob } from '../data/types';
import { about } from '../format/duration';
import { NONE, percent, rate } from '../format/number';
import { t, useLanguage } from '../i18n';
import { liveJobs, useLiveJob } from '../live/jobs';
import { prefetchJobPage } from '../pages';
import { ProgressBar } from '../ui/bar';
import { icons, StateSign } from '../ui/icons';
import { AppLink } from '../ui/link';
import { ProcessingFailed } from '../ui/state';
import { Since } from '../ui/time';
import { Unavailable } from '../ui/unavailable';

const orders = ['longest', 'newest', 'soonest'] as const;
type Order = (typeof orders)[number];

/** By when it ends, which moves all the time: put in order anew when jobs come and go. */
function inOrder(ids: readonly string[], order: Order): readonly string[] {
  if (order === 'longest') return ids;
  if (order === 'newest') return [...ids].reverse();
  const left = (id: string) =>
    liveJobs.get(id)?.currentRun?.estimatedRemaining ?? Number.POSITIVE_INFINITY;
  const keys = new Map(ids.map((id) => [id, left(id)]));
  return [...ids].sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0) || (a < b ? -1 : 1));
}

/** The executing jobs. Only what is in view is in the document. */
export function ExecutingList({ ids }: { ids: readonly string[] }) {
  const [order, setOrder] = useState<Order>('longest');
  const sorted = useMemo(() => inOrder(ids, order), [ids, order]);
  const [scroller, setScroller] = useState<HTMLDivElement | null>(null);
  const rows = useVirtualizer({
    count: sorted.length,
    getScrollElement: useCallback(() => scroller, [scroller]),
    estimateSize: () => 66,
    getItemKey: (index) => sorted[index] ?? index,
    overscan: 4,
  });
  const list = useRef<HTMLDivElement>(null);
  if (sorted.length === 0) {
    return (
      <div className="executing-none">
        <StateSign state="COMPLETED" size={30} />
        <h2>{t.executing.none}</h2>
        <p className="muted">{liveJobs.isLoaded ? t.executing.noneHint : t.executing.loading}</p>
      </div>
    );
  }
  return (
    <>
      <div className="executing-head">
        <h2>{t.executing.heading(sorted.length)}</h2>
        <label>
          <span className="hidden">{t.executing.order}</span>
          <select
            className="input"
            value={order}
            onChange={(event) => setOrder(event.target.value as Order)}
          >
            {orders.map((key) => (
              <option key={key} value={key}>
                {t.executing.orders[key]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div
        className="executing-scroll"
        ref={setScroller}
        tabIndex={0}
        role="group"
        aria-label={t.executing.list}
      >
        <div ref={list} role="list" style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ key, index, start }) => (
            <div
              key={key}
              role="listitem"
              aria-posinset={index + 1}
              aria-setsize={sorted.length}
              className="executing-item"
              style={{ transform: `translateY(${start}px)` }}
            >
              <ExecutingJob id={sorted[index] ?? ''} />
            </div>
          ))}
        </div>
      </div>
      <div className="executing-foot">
        <AppLink to="/?state=executing">{t.executing.viewAll}</AppLink>
      </div>
    </>
  );
}

const ExecutingJob = memo(function ExecutingJob({ id }: { id: string }) {
  const job: LiveJob | undefined = useLiveJob(id);
  useLanguage();
  if (!job) return null;
  const run = job.currentRun;
  const value = run?.percentCompleted ?? null;
  const error =
    errorOf(job, 'currentRun', 'configuration') ??
    errorOf(run, ...progressFields, 'estimatedRemaining', 'tasksPerMinute');
  return (
    <AppLink to={`/jobs/${id}`} className="executing-job" onPointerEnter={prefetchJobPage}>
      <span className="executing-name">
        <b className="one-line">{nameOf(job)}</b>
        <span className="executing-marks">
          {run?.processingState === 'FAILED' && <ProcessingFailed />}
          {run?.isOverdue && !run.isStale && (
            <span className="mark tone-cancelling">
              <icons.clock width={13} height={13} />
              <span>{t.jobs.longerThanUsual}</span>
            </span>
          )}
          <Unavailable error={error} />
          <span className="executing-percent">{value === null ? NONE : percent(value)}</span>
        </span>
      </span>
      <ProgressBar value={value} label={t.jobs.progressOf(nameOf(job))} isMoving={!run?.isStale} />
      <span className="executing-facts muted">
        <span className="one-line">{job.configuration?.name ?? NONE}</span>
        {run?.isStale ? (
          <span className="stale">
            <icons.warning width={12} height={12} /> {t.jobs.notReporting}
          </span>
        ) : (
          <span className="executing-rate">{t.executing.rate(rate(run?.tasksPerMinute))}</span>
        )}
        <span>
          {typeof run?.estimatedRemaining === 'number' && !run.isStale
            ? t.jobs.left(about(run.estimatedRemaining))
            : t.executing.noEstimate}
        </span>
        <span className="executing-since">
          {run?.agentStartTime ? <Since at={run.agentStartTime} /> : NONE}
        </span>
      </span>
    </AppLink>
  );
});
