/** Moments that tick: one timer for all that shows a time relative to now. */
import { useSyncExternalStore } from 'react';
import { connection } from './connection';

const seconds = () => Math.floor(Date.now() / 1_000) * 1_000;

let now = seconds();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    // What is held still does not age before the reader's eyes either.
    if (connection.getMode() === 'paused') return;
    now = seconds();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Now, in milliseconds, once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => {
    // Between ticks it stands still; without a timer it was just asked for the first time.
    if (timer === undefined) now = seconds();
    return now;
  });
}
