import type { Attempt, Facts } from './examples.js';

export const endpoint = new URL('graphql', location.href);

const query = `query exampleIds {
  newest: jobs(take: 1) { items { id } }
  executing: jobs(take: 1, state: EXECUTING) { items { currentRun { id } } }
  finished: jobs(take: 1, filter: { states: [FAILED, COMPLETED] }) { items { id currentRun { id } } }
  configurations(take: 1) { items { id } }
  agents(take: 1) { items { id } }
}`;

interface Item {
  id?: string;
  currentRun?: { id: string } | null;
}

let attempt: Attempt | undefined;

/** Keeps the attempt of a response to `claimJob` or `startJobRun`: its token is told only there. */
export function noteAttempt(response: unknown): void {
  const { data } = (response ?? {}) as { data?: Record<string, { attempt?: Attempt } | null> };
  const begun = data?.claimJob?.attempt ?? data?.startJobRun?.attempt;
  if (begun) attempt = { runId: begun.runId, attemptToken: begun.attemptToken };
}

/** What to fill the examples in with; undefined if the server does not tell. */
export async function readFacts(): Promise<Facts | undefined> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query }),
    });
    const { data } = (await response.json()) as {
      data?: Record<string, { items: Item[] } | null> | null;
    };
    if (!data) return undefined;
    const first = (list: string) => data[list]?.items[0];
    return {
      job: first('finished')?.id ?? first('newest')?.id,
      run: first('executing')?.currentRun?.id ?? first('finished')?.currentRun?.id,
      configuration: first('configurations')?.id,
      agent: first('agents')?.id,
      attempt,
    };
  } catch {
    return undefined;
  }
}
