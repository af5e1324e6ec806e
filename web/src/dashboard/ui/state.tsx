import { textOf } from '../data/states';
import type { JobState, ProcessingState } from '../data/types';
import { t } from '../i18n';
import { icons, StateSign } from './icons';

export function StateLabel({
  state,
  isScheduled = false,
}: {
  state: JobState;
  isScheduled?: boolean;
}) {
  const shown = isScheduled && state === 'QUEUED' ? 'SCHEDULED' : state;
  const { label, hint } = textOf(shown);
  return (
    <span className={`state tone-${shown.toLowerCase()}`} title={hint}>
      <StateSign state={shown} />
      <span className="one-line">{label}</span>
    </span>
  );
}

export function StateChip({ state, phase }: { state: JobState; phase?: string }) {
  const { label, hint } = textOf(state);
  return (
    <span className={`chip tone-${state.toLowerCase()}`} title={hint}>
      <StateSign state={state} size={14} />
      {phase ? <span className="chip-phase">{phase}</span> : null}
      {label}
    </span>
  );
}

export function processingLabel(state: ProcessingState | null): string {
  return t.processingStates[state ?? 'notStarted'];
}

export function ProcessingChip({ state }: { state: ProcessingState | null }) {
  // Each of its states is like one of the agent's.
  const like: JobState = state ?? 'QUEUED';
  return (
    <span className={`chip tone-${like.toLowerCase()}`}>
      <StateSign state={like} size={14} />
      <span className="chip-phase">{t.job.processing}</span>
      {processingLabel(state)}
    </span>
  );
}

/** Beside the state of a job, which is the agent's and does not say it. */
export function ProcessingFailed() {
  return (
    <span className="mark tone-failed">
      <icons.warning width={13} height={13} />
      <span>{t.jobs.processingFailed}</span>
    </span>
  );
}
