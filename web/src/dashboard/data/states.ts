import { t } from '../i18n';
import type { Counts, JobState } from './types';

export interface StateInfo {
  state: JobState;
  count: keyof Counts;
}

/** The states, in the order that the page shows them. */
export const states: readonly StateInfo[] = [
  { state: 'EXECUTING', count: 'executing' },
  { state: 'QUEUED', count: 'queued' },
  { state: 'FAILED', count: 'failed' },
  { state: 'COMPLETED', count: 'completed' },
  { state: 'CANCELLED', count: 'cancelled' },
  { state: 'EXECUTION_COMPLETED', count: 'executionCompleted' },
  { state: 'SUBMITTING', count: 'submitting' },
  { state: 'CANCELLING', count: 'cancelling' },
  { state: 'UNKNOWN', count: 'unknown' },
];

/** A state's label, and a sentence on what it means. */
export const textOf = (state: JobState | 'SCHEDULED') => t.states[state] ?? t.states.UNKNOWN;

export const running: readonly JobState[] = [
  'EXECUTING',
  'EXECUTION_COMPLETED',
  'SUBMITTING',
  'CANCELLING',
];

export const finished: readonly JobState[] = ['FAILED', 'COMPLETED', 'CANCELLED'];

export const isActive = (state: JobState): boolean => running.includes(state);
export const isOver = (state: JobState): boolean => finished.includes(state);

/** Whether asking to cancel it makes sense. */
export const isCancellable = (state: JobState): boolean =>
  state !== 'CANCELLING' && state !== 'UNKNOWN' && !isOver(state);
