/** What can be done to a job, by its state. The lists need that; the rest is loaded with the dialog. */
import { isCancellable, isOver } from '../../data/states';
import type { JobState } from '../../data/types';
import { liveJobs } from '../../live/jobs';

export type Action = 'cancel' | 'retry';

/** What is known of a job that was chosen by hand. */
export interface ChosenJob {
  id: string;
  name: string;
  configuration?: string | undefined;
  started?: string | null | undefined;
  state: JobState;
  scheduledDate?: string | null | undefined;
}

/** Why a job is left out before anything is sent. */
export type Reason = 'notFinished' | 'finished' | 'cancelling' | 'unknown';

/** Why this cannot be done to a job in this state; undefined if it can. */
export function obstacleTo(action: Action, state: JobState): Reason | undefined {
  return isEligible(action, state) ? undefined : reasonFor(action, state);
}

export const isEligible = (action: Action, state: JobState) =>
  action === 'retry' ? isOver(state) : isCancellable(state);

export function reasonFor(action: Action, state: JobState): Reason {
  if (state === 'UNKNOWN') return 'unknown';
  if (action === 'retry') return 'notFinished';
  return state === 'CANCELLING' ? 'cancelling' : 'finished';
}

/** The state of a listed job now, as far as it is known. */
export const presentState = ({ id, state }: { id: string; state: JobState }): JobState => {
  const left = liveJobs.leftTo(id);
  return liveJobs.get(id)?.state ?? (left && left !== 'UNKNOWN' ? left : state);
};
