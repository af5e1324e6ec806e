import type { Counts, JobState } from './types';

export interface StateInfo {
  state: JobState;
  label: string;
  /** What it means, in a sentence. */
  hint: string;
  count: keyof Counts;
}

/** The states, in the order that the page shows them. */
export const states: readonly StateInfo[] = [
  { state: 'EXECUTING', label: 'Executing', count: 'executing', hint: 'An agent works on it.' },
  {
    state: 'QUEUED',
    label: 'Queued',
    count: 'queued',
    hint: 'Waits for an agent, or for its time.',
  },
  { state: 'FAILED', label: 'Failed', count: 'failed', hint: 'Over, with an error.' },
  { state: 'COMPLETED', label: 'Completed', count: 'completed', hint: 'Over, and it went well.' },
  {
    state: 'CANCELLED',
    label: 'Cancelled',
    count: 'cancelled',
    hint: 'Over, since someone cancelled it.',
  },
  {
    state: 'EXECUTION_COMPLETED',
    label: 'Agent done',
    count: 'executionCompleted',
    hint: 'The agent has done its work; not everything it found is submitted yet.',
  },
  {
    state: 'SUBMITTING',
    label: 'Submitting',
    count: 'submitting',
    hint: 'The last results are being submitted.',
  },
  {
    state: 'CANCELLING',
    label: 'Cancelling',
    count: 'cancelling',
    hint: 'Cancellation was asked for; the agent has not confirmed it.',
  },
  {
    state: 'UNKNOWN',
    label: 'Unknown',
    count: 'unknown',
    hint: 'A state that this version of the service does not know.',
  },
];

const byState = new Map(states.map((info) => [info.state, info]));

export function infoOf(state: JobState): StateInfo {
  return byState.get(state) ?? (byState.get('UNKNOWN') as StateInfo);
}

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
