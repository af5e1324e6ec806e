import { infoOf } from '../data/states';
import type { JobState, ProcessingState } from '../data/types';
import { StateSign } from './icons';

export function StateLabel({
  state,
  isScheduled = false,
}: {
  state: JobState;
  isScheduled?: boolean;
}) {
  const { label, hint } = infoOf(state);
  const shown = isScheduled && state === 'QUEUED' ? 'SCHEDULED' : state;
  return (
    <span className={`state tone-${shown.toLowerCase()}`} title={hint}>
      <StateSign state={shown} />
      <span className="one-line">{shown === 'SCHEDULED' ? 'Scheduled' : label}</span>
    </span>
  );
}

export function StateChip({ state, phase }: { state: JobState; phase?: string }) {
  const { label, hint } = infoOf(state);
  return (
    <span className={`chip tone-${state.toLowerCase()}`} title={hint}>
      <StateSign state={state} size={14} />
      {phase ? <span className="chip-phase">{phase}</span> : null}
      {label}
    </span>
  );
}

const processing: Record<ProcessingState, [label: string, like: JobState]> = {
  UNKNOWN: ['Unknown', 'UNKNOWN'],
  QUEUED: ['Queued', 'QUEUED'],
  EXECUTING: ['Executing', 'EXECUTING'],
  COMPLETED: ['Completed', 'COMPLETED'],
  FAILED: ['Failed', 'FAILED'],
};

export function processingLabel(state: ProcessingState | null): string {
  return state ? processing[state][0] : 'Not begun';
}

export function ProcessingChip({ state }: { state: ProcessingState | null }) {
  const [label, like] = state ? processing[state] : (['Not begun', 'QUEUED'] as const);
  return (
    <span className={`chip tone-${like.toLowerCase()}`}>
      <StateSign state={like} size={14} />
      <span className="chip-phase">Processing</span>
      {label}
    </span>
  );
}
