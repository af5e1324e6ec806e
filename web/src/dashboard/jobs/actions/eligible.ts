/** What can be done to a job, by its state. The lists need that; the rest is loaded with the dialog. */
import { isActive, isCancellable, isOver } from '../../data/states';
import type { JobState } from '../../data/types';
import { liveJobs } from '../../live/jobs';

/** `force` ends a running job without its agent. */
export type Action = 'cancel' | 'retry' | 'force';

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

export function isEligible(action: Action, state: JobState): boolean {
  switch (action) {
    case 'retry':
      return isOver(state);
    case 'cancel':
      return isCancellable(state);
    case 'force':
      return isActive(state);
  }
}

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
