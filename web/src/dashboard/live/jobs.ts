/**
 * The jobs that execute now, by id. What a frame of the subscription brings is put in a map; who
 * shows a job hears of it at most once per frame of the screen, and only if it is this job that
 * changed.
 */
import { useSyncExternalStore } from 'react';
import { request } from '../data/client';
import { executingJobsLive, executingJobsNow } from '../data/documents';
import type { JobState, LiveJob } from '../data/types';
import type { Connection } from './connection';

type Listener = () => void;

/** Runs on the screen's next frame, or soon if there is none, as in a tab that is hidden. */
function onFrame(run: () => void): void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, 500);
}

export class LiveJobs {
  private jobs = new Map<string, LiveJob>();
  /** The states of removed jobs, of those that were seen executing here. */
  private removed = new Map<string, JobState>();
  private order: readonly string[] = [];
  private isKnown = false;
  private listeners = new Map<string, Set<Listener>>();
  private orderListeners = new Set<Listener>();
  private dirty = new Set<string>();
  private isOrderDirty = false;
  private isScheduled = false;

  apply(update: {
    isSnapshot: boolean;
    jobs: readonly LiveJob[];
    removed: readonly { id: string; state: JobState }[];
  }): void {
    if (update.isSnapshot) {
      const present = new Set(update.jobs.map((job) => job.id));
      for (const id of this.jobs.keys()) {
        if (!present.has(id)) {
          this.jobs.delete(id);
          this.dirty.add(id);
          this.isOrderDirty = true;
        }
      }
      if (!this.isKnown) this.isOrderDirty = true;
      this.isKnown = true;
    }
    for (const job of update.jobs) {
      if (!this.jobs.has(job.id)) {
        this.isOrderDirty = true;
        this.removed.delete(job.id);
      }
      this.jobs.set(job.id, job);
      this.dirty.add(job.id);
    }
    for (const { id, state } of update.removed) {
      if (this.jobs.delete(id)) this.isOrderDirty = true;
      // Only what is on a page is looked up; what is not shown need not be kept.
      if (this.listeners.has(id)) this.removed.set(id, state);
      this.dirty.add(id);
    }
    this.schedule();
  }

  get(id: string): LiveJob | undefined {
    return this.jobs.get(id);
  }

  leftTo(id: string): JobState | undefined {
    return this.removed.get(id);
  }

  /** All ids, those that began first at the front. The same array until jobs come or go. */
  ids = (): readonly string[] => this.order;

  all(): Iterable<LiveJob> {
    return this.jobs.values();
  }

  get isLoaded(): boolean {
    return this.isKnown;
  }

  subscribe(id: string, listener: Listener): () => void {
    const listeners = this.listeners.get(id) ?? new Set();
    listeners.add(listener);
    this.listeners.set(id, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        this.listeners.delete(id);
        this.removed.delete(id);
      }
    };
  }

  subscribeOrder = (listener: Listener): (() => void) => {
    this.orderListeners.add(listener);
    return () => this.orderListeners.delete(listener);
  };

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    onFrame(() => {
      this.isScheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    if (this.isOrderDirty) {
      this.isOrderDirty = false;
      this.order = [...this.jobs.values()]
        .sort((a, b) => started(a).localeCompare(started(b)) || (a.id < b.id ? -1 : 1))
        .map((job) => job.id);
      for (const listener of this.orderListeners) listener();
    }
    const dirty = this.dirty;
    this.dirty = new Set();
    for (const id of dirty) {
      for (const listener of this.listeners.get(id) ?? []) listener();
    }
  }
}

/** Times are UTC of one form, so their text sorts as they do; without one a job is last. */
function started(job: LiveJob): string {
  return job.currentRun?.agentStartTime ?? '~';
}

export const liveJobs = new LiveJobs();

export function followExecuting(connection: Connection): () => void {
  return connection.watch({
    document: executingJobsLive,
    variables: {},
    next: (data) => liveJobs.apply(data.executingJobs),
    poll: async (signal) => {
      const { executingJobs } = await request(executingJobsNow, {}, signal);
      const present = new Set(executingJobs.map((job) => job.id));
      const removed = liveJobs
        .ids()
        .filter((id) => !present.has(id))
        .map((id) => ({ id, state: 'UNKNOWN' as const }));
      liveJobs.apply({ isSnapshot: true, jobs: executingJobs, removed });
    },
  });
}

/** The job as it executes now; undefined if it does not. */
export function useLiveJob(id: string): LiveJob | undefined {
  return useSyncExternalStore(
    (listener) => liveJobs.subscribe(id, listener),
    () => liveJobs.get(id),
  );
}

/** The state that a job on the page has left to since it was seen executing. */
export function useLeftTo(id: string): JobState | undefined {
  return useSyncExternalStore(
    (listener) => liveJobs.subscribe(id, listener),
    () => liveJobs.leftTo(id),
  );
}

export function useExecutingIds(): readonly string[] {
  return useSyncExternalStore(liveJobs.subscribeOrder, liveJobs.ids);
}
