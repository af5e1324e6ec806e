/** What an action on several jobs would do: how many jobs in each state, and what is left out. */
import { request } from '../../data/client';
import { jobTargets, requestCancellation, retryJobs } from '../../data/documents';
import { isOver, states } from '../../data/states';
import type { JobState } from '../../data/types';
import type { Scope } from '../describe';
import type { Conditions } from '../filter';
import { type Action, type ChosenJob, isEligible, type Reason, reasonFor } from './eligible';
import type { Source } from './run';

/** Which jobs an action is about: these, or all that match. */
export type Target =
  | { jobs: readonly ChosenJob[] }
  | { conditions: Conditions; isScheduled: boolean; scope: Scope };

/** Queued jobs whose time has not come are a kind of their own: they can be left alone. */
export type Kind = JobState | 'SCHEDULED';

export interface Part {
  kind: Kind;
  n: number;
  /** Whether `n` is all of them; otherwise there are more. */
  isExact: boolean;
  source(): Source;
}

export interface Plan {
  parts: readonly Part[];
  skipped: readonly { reason: Reason; n: number; isExact: boolean }[];
}

/** Few enough that a stop is felt: the batch that has been sent is always finished. */
export const BATCH = 200;

/**
 * The kinds that are included unless the user changes it. A retry leaves out what succeeded and
 * jobs that were cancelled, unless the list's filter names it or only such jobs were selected by hand.
 */
export function includedKinds(
  action: Action,
  plan: Plan,
  named: readonly JobState[],
  isByHand: boolean,
): Set<Kind> {
  const kinds = plan.parts.map(({ kind }) => kind);
  if (action !== 'retry') return new Set(kinds);
  const wanted = kinds.filter((kind) => kind === 'FAILED' || named.some((state) => state === kind));
  return new Set(wanted.length === 0 && isByHand ? kinds : wanted);
}

const kindOf = ({ state, scheduledDate }: ChosenJob, now: number): Kind =>
  state === 'QUEUED' && scheduledDate && Date.parse(scheduledDate) >= now ? 'SCHEDULED' : state;

function batchesOf(ids: readonly string[]): Source {
  let at = 0;
  return {
    next: async () => {
      const batch = ids.slice(at, at + BATCH);
      at += BATCH;
      return batch.length > 0 ? batch : undefined;
    },
  };
}

/** What would be done to jobs that were chosen one by one. */
export function planForJobs(action: Action, jobs: readonly ChosenJob[], now: number): Plan {
  const ids = new Map<Kind, string[]>();
  const skipped = new Map<Reason, number>();
  for (const job of jobs) {
    if (isEligible(action, job.state)) {
      const kind = kindOf(job, now);
      ids.set(kind, [...(ids.get(kind) ?? []), job.id]);
    } else {
      const reason = reasonFor(action, job.state);
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
    }
  }
  return {
    parts: [...ids].map(([kind, own]) => ({
      kind,
      n: own.length,
      isExact: true,
      source: () => batchesOf(own),
    })),
    skipped: [...skipped].map(([reason, n]) => ({ reason, n, isExact: true })),
  };
}

interface Counted {
  n: number;
  isExact: boolean;
  /** By the server's clock. */
  at: string;
}

async function countJobs(conditions: Conditions, states: readonly JobState[]): Promise<Counted> {
  const input = { filter: { ...conditions, states: [...states] }, dryRun: true };
  const areOver = states.every(isOver);
  const counted = areOver
    ? (await request(retryJobs, { input })).retryJobs
    : (await request(requestCancellation, { input })).requestCancellation;
  return { n: counted.matchedCount, isExact: counted.matchedCountIsExact, at: counted.countedAt };
}

/** What would be done to all jobs that match, counted by the server. */
export async function planForAll(
  action: Action,
  { conditions, isScheduled }: { conditions: Conditions; isScheduled: boolean },
  now: number,
): Promise<Plan> {
  const named = conditions.states ?? [];
  const excluded = conditions.excludeStates ?? [];
  const shown = (named.length > 0 ? named : states.map(({ state }) => state)).filter(
    (state) => !excluded.includes(state),
  );
  const eligible = shown.filter((state) => isEligible(action, state));
  const others = new Map<Reason, JobState[]>();
  for (const state of shown.filter((each) => !isEligible(action, each))) {
    const reason = reasonFor(action, state);
    others.set(reason, [...(others.get(reason) ?? []), state]);
  }
  const later = new Date(now).toISOString();
  const partsOf = async (state: JobState): Promise<Part[]> => {
    const own = await countJobs(conditions, [state]);
    const part = (kind: Kind, { n, isExact, at }: Counted, scheduled: Conditions): Part => ({
      kind,
      n,
      isExact,
      source: () =>
        new MatchingJobs(
          { ...scheduled, states: [state] },
          at,
          kind === 'QUEUED' ? now : undefined,
        ),
    });
    if (state !== 'QUEUED') return [part(state, own, conditions)];
    if (isScheduled) return [part('SCHEDULED', own, conditions)];
    const ahead = { ...conditions, scheduledAfter: later };
    const scheduled = await countJobs(ahead, [state]);
    const due = {
      n: Math.max(own.n - scheduled.n, 0),
      isExact: own.isExact && scheduled.isExact,
      at: own.at,
    };
    return [part('QUEUED', due, conditions), part('SCHEDULED', scheduled, ahead)];
  };
  const [parts, skipped] = await Promise.all([
    Promise.all(eligible.map(partsOf)),
    Promise.all(
      [...others].map(async ([reason, own]) => ({ reason, ...(await countJobs(conditions, own)) })),
    ),
  ]);
  return {
    parts: parts.flat().filter(({ n }) => n > 0),
    skipped: skipped.filter(({ n }) => n > 0),
  };
}

/** Times are UTC with up to six decimals; a `Date` would drop three of them. */
const sortable = (moment: string) => moment.replace(/Z$/, '');

/**
 * The jobs that match, page by page, each once. Jobs whose state changed after they were counted
 * are left out: they are not what the user was told of.
 */
class MatchingJobs implements Source {
  private after: string | null = null;
  private isAtEnd = false;

  constructor(
    private readonly conditions: Conditions,
    private readonly countedAt: string,
    /** If set, jobs that are scheduled for this moment or later are left out. */
    private readonly dueBefore: number | undefined,
  ) {}

  async next(): Promise<readonly string[] | undefined> {
    while (!this.isAtEnd) {
      const variables = { filter: this.conditions, first: BATCH, after: this.after };
      const { nodes, pageInfo } = (await request(jobTargets, variables)).jobsConnection;
      this.after = pageInfo.endCursor;
      this.isAtEnd = !pageInfo.hasNextPage;
      const ids = nodes.filter((job) => this.isMeant(job)).map(({ id }) => id);
      if (ids.length > 0) return ids;
    }
    return undefined;
  }

  private isMeant(job: {
    createdDate: string;
    updateDate: string | null;
    scheduledDate: string | null;
  }): boolean {
    if (this.dueBefore !== undefined && job.scheduledDate) {
      if (Date.parse(job.scheduledDate) >= this.dueBefore) return false;
    }
    return sortable(job.updateDate ?? job.createdDate) < sortable(this.countedAt);
  }
}
