/**
 * Jobs whose end the user wants to be notified of. They are followed for as long as the tab is
 * open, on whatever page it is, and across a reload.
 */
import { useSyncExternalStore } from 'react';
import { request } from '../data/client';
import { jobRunLive, jobState } from '../data/documents';
import { isOver } from '../data/states';
import type { JobState } from '../data/types';
import { connection } from '../live/connection';
import { stateIcon } from '../shell/title';

export interface Followed {
  id: string;
  name: string;
}

const KEY = 'agent-jobs:followed';

/** A job that was cancelled before it ran has no run to subscribe to. */
const CHECK_EVERY = 10_000;

function stored(): Followed[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(value)
      ? value.filter((each) => typeof each?.id === 'string' && typeof each?.name === 'string')
      : [];
  } catch {
    return [];
  }
}

let followed: readonly Followed[] = stored();
const listeners = new Set<() => void>();

function set(next: readonly Followed[]): void {
  followed = next;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Without storage it lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useFollowed(): readonly Followed[] {
  return useSyncExternalStore(subscribe, () => followed);
}

export const canNotify = typeof Notification !== 'undefined';

/**
 * Follows a job until it ends, if the user lets the page notify; tells whether they do. Asks the
 * browser, so it must be called from a click.
 */
export async function follow(job: Followed): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false;
  if (!followed.some(({ id }) => id === job.id)) set([...followed, job]);
  return true;
}

export function unfollow(id: string): void {
  if (followed.some((job) => job.id === id)) set(followed.filter((job) => job.id !== id));
}

/** Calls `ended` once when a job has ended or does not exist any more. The result stops it. */
function watch(id: string, ended: (state: JobState) => void): () => void {
  const end = new AbortController();
  const check = async (signal: AbortSignal) => {
    const { job } = await request(jobState, { id }, AbortSignal.any([signal, end.signal]));
    if (!end.signal.aborted && (!job || isOver(job.state))) {
      end.abort();
      ended(job?.state ?? 'UNKNOWN');
    }
  };
  const checkNow = () => void check(end.signal).catch(() => {});
  const stop = connection.watch({
    document: jobRunLive,
    variables: { id },
    isMinor: true,
    next: ({ jobRun }) => {
      if (jobRun && isOver(jobRun.agentState)) checkNow();
    },
    poll: check,
  });
  const timer = setInterval(checkNow, CHECK_EVERY);
  end.signal.addEventListener('abort', () => {
    clearInterval(timer);
    stop();
  });
  return () => end.abort();
}

/** Watches every followed job, and notifies when one ends. The result stops all of it. */
export function watchFollowed(
  text: (name: string, state: JobState) => { title: string; body: string },
  open: (id: string) => void,
): () => void {
  const stops = new Map<string, () => void>();
  const update = () => {
    for (const { id, name } of followed) {
      if (stops.has(id)) continue;
      const ended = (state: JobState) => {
        unfollow(id);
        notify({ id, state, ...text(name, state) }, open);
      };
      stops.set(id, watch(id, ended));
    }
    for (const [id, stop] of stops) {
      if (followed.some((job) => job.id === id)) continue;
      stop();
      stops.delete(id);
    }
  };
  update();
  const unsubscribe = subscribe(update);
  return () => {
    unsubscribe();
    for (const stop of stops.values()) stop();
  };
}

function notify(
  { id, state, title, body }: { id: string; state: JobState; title: string; body: string },
  open: (id: string) => void,
): void {
  try {
    const notification = new Notification(title, { body, tag: id, icon: stateIcon(state) });
    notification.onclick = () => {
      window.focus();
      open(id);
      notification.close();
    };
  } catch {
    // Android's browsers notify from a service worker only; the tab's title and icon still tell.
  }
}
