// A few jobs in each state, of one configuration and one agent.
import { randomUUID } from 'node:crypto';
import { importRows } from './server';

const wanted = { Failed: 10, Queued: 3, Executing: 3 };

/** Imports them into a database; the id of one that failed. */
export function importSample(databaseUrl: string): { failed: string } {
  const [configuration, agent] = [randomUUID(), randomUUID()];
  const UpdateDate = new Date().toISOString();
  const jobs = Object.entries(wanted).flatMap(([State, n]) =>
    Array.from({ length: n }, (_, index) => ({
      Id: randomUUID(),
      ConfigurationId: configuration,
      Name: `${State} ${index}`,
      State,
      CurrentRunId: State === 'Queued' ? null : randomUUID(),
      CreatedDate: UpdateDate,
      UpdateDate,
    })),
  );
  const runs = jobs
    .filter(({ CurrentRunId }) => CurrentRunId)
    .map(({ Id, State, CurrentRunId }) => ({
      Id: CurrentRunId,
      JobId: Id,
      AgentId: agent,
      AgentState: State,
      AgentStartTime: UpdateDate,
      UpdateDate,
    }));
  importRows(databaseUrl, {
    configurations: [{ Id: configuration, Name: 'HubSpot EU', Provider: 'hubspot' }],
    agents: [{ Id: agent, Name: 'crawler' }],
    jobs,
    'job-runs': runs,
  });
  return { failed: jobs[0].Id };
}
