/** Where the pieces of a run lie in time. */
import type { FullRun } from '../data/types';

export interface Piece {
  kind: 'waiting' | 'working' | 'silent' | 'expected';
  from: number;
  to: number;
  /** It goes on: its end is now. */
  isOpen: boolean;
}

export interface Lanes {
  from: number;
  to: number;
  agent: Piece[];
  processing: Piece[];
  lastSubmitted: number | undefined;
  /** When the agent will likely end, and the time in which it will almost certainly. */
  forecast: { earliest: number; likely: number; latest: number } | undefined;
  /** The agent's wait is too long to be drawn to scale: the axis begins with its work. */
  isWaitCut: boolean;
}

const at = (moment: string | null): number | undefined =>
  moment === null ? undefined : Date.parse(moment);

function lane(
  queued: number | undefined,
  started: number | undefined,
  ended: number | undefined,
  isOpen: boolean,
  /** The last that was heard, for a phase that has no end and does not go on. */
  heard: number | undefined,
  now: number,
): Piece[] {
  const pieces: Piece[] = [];
  const end = ended ?? (isOpen ? now : heard);
  if (queued !== undefined) {
    const to = started ?? end;
    if (to !== undefined && to > queued) {
      pieces.push({ kind: 'waiting', from: queued, to, isOpen: isOpen && started === undefined });
    }
  }
  if (started !== undefined && end !== undefined && end >= started) {
    pieces.push({ kind: 'working', from: started, to: end, isOpen: isOpen && ended === undefined });
  }
  return pieces;
}

/** When it will end; undefined for what does not go on, and once that time has passed. */
function forecastOf({ forecast }: FullRun, isAgentActive: boolean, now: number): Lanes['forecast'] {
  if (!forecast || !isAgentActive) return undefined;
  const ends = (moment: string) => Math.max(Date.parse(moment), now);
  const latest = ends(forecast.latest);
  if (latest <= now) return undefined;
  return { earliest: ends(forecast.earliest), likely: ends(forecast.likely), latest };
}

export function lanesOf(run: FullRun, isAgentActive: boolean, now: number): Lanes | undefined {
  const isProcessing = run.processingState === 'QUEUED' || run.processingState === 'EXECUTING';
  const heard = at(run.updateDate);
  // What a silent agent does since its last report is not known.
  const isSilent = isAgentActive && run.isStale && heard !== undefined;
  const agent = lane(
    at(run.agentQueuedDate),
    at(run.agentStartTime),
    at(run.agentEndTime),
    isAgentActive && !isSilent,
    heard,
    now,
  );
  if (isSilent && heard < now) agent.push({ kind: 'silent', from: heard, to: now, isOpen: true });
  const forecast = forecastOf(run, isAgentActive, now);
  if (forecast) agent.push({ kind: 'expected', from: now, to: forecast.latest, isOpen: true });
  const processing = lane(
    at(run.processingQueuedDate),
    at(run.processingStartTime),
    at(run.processingEndTime),
    isProcessing,
    at(run.processingUpdatedDate),
    now,
  );
  const lastSubmitted = at(run.agentLastSubmittedDate);
  const moments = [...agent, ...processing].flatMap(({ from, to }) => [from, to]);
  if (lastSubmitted !== undefined) moments.push(lastSubmitted);
  if (moments.length === 0) return undefined;
  const start = agent.find(({ kind }) => kind === 'working')?.from;
  const first = Math.min(...moments);
  const last = Math.max(...moments);
  const isWaitCut = start !== undefined && start - first > (last - start) / 3;
  const from = isWaitCut ? start : first;
  // A run of no length at all still has a place on an axis.
  const to = Math.max(last, from + 1_000);
  return { from, to, agent, processing, lastSubmitted, forecast, isWaitCut };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];

/** Round moments between two, at most `most` of them; `offset` is the zone's from UTC. */
export function ticks(
  from: number,
  to: number,
  most: number,
  offset: number,
): { at: number[]; step: number } {
  const step = steps.find((step) => (to - from) / step <= most) ?? 365 * DAY;
  const all: number[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    all.push(at);
  }
  return { at: all, step };
}
