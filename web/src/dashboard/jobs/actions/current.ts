/**
 * The bulk action that runs now, whatever page is shown and whether its dialog is open. There is
 * one at a time, and the browser asks before its tab is closed.
 */
import { useSyncExternalStore } from 'react';
import type { Action } from './eligible';
import { hasEnded, type Run } from './run';

export interface BulkAction {
  action: Action;
  /** How many jobs it is for; if not exact, there are more. */
  total: number;
  isExact: boolean;
  run: Run;
}

let current: BulkAction | undefined;
/** Whether a dialog shows it, so that nothing else needs to. */
let isInDialog = false;
let shown: BulkAction | undefined;
const listeners = new Set<() => void>();

function update(): void {
  shown = isInDialog ? undefined : current;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** The browser shows its own words. */
const warn = (event: BeforeUnloadEvent) => event.preventDefault();

/** Makes this the one bulk action; one that has ended makes room for it. */
export function begin(bulk: BulkAction): void {
  current = bulk;
  isInDialog = true;
  update();
  bulk.run.subscribe(() => {
    if (hasEnded(bulk.run.get())) window.removeEventListener('beforeunload', warn);
    update();
  });
  window.addEventListener('beforeunload', warn);
}

/** The dialog is closed: from now on a card shows the action on every page. */
export function leaveDialog(): void {
  isInDialog = false;
  // What has ended was seen in the dialog.
  if (current && hasEnded(current.run.get())) current = undefined;
  update();
}

export function dismiss(): void {
  current = undefined;
  update();
}

const isBusy = () => current !== undefined && !hasEnded(current.run.get());

/** Whether a bulk action is under way, or waits to be resumed. */
export const useIsBusy = (): boolean => useSyncExternalStore(subscribe, isBusy);

/** The bulk action to show outside its dialog. */
export const useShown = (): BulkAction | undefined => useSyncExternalStore(subscribe, () => shown);
