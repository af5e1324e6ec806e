// What agents and operators do to jobs, over the API.
import { randomUUID } from 'node:crypto';
import { ask } from './server';

/** Jobs of one configuration, and one agent that runs them, on the server at this address. */
export interface Attempt {
  runId: string;
  attemptToken: string;
}

export type Agent = ReturnType<typeof agentAt>;

export function agentAt(url: string) {
  const configuration = { id: randomUUID(), name: 'HubSpot EU' };
  const agent = { id: randomUUID(), name: 'crawler' };

  /** Queues a job with these properties; its id. */
  const queue = async (job: object): Promise<string> => {
    const { queueJobs } = await ask(
      url,
      `mutation ($configuration: SaveConfigurationInput!, $jobs: [QueueJobInput!]!) {
        saveConfiguration(input: $configuration) { refusal { message } }
        queueJobs(input: $jobs) { results { job { id } } }
      }`,
      { configuration, jobs: [{ configurationId: configuration.id, ...job }] },
    );
    return queueJobs.results[0].job.id;
  };

  /** Starts a job; the attempt that reports are about. */
  const start = async (jobId: string): Promise<Attempt> => {
    const attemptToken = randomUUID();
    const { startJobRun } = await ask(
      url,
      `mutation ($agent: RegisterAgentInput!, $run: StartJobRunInput!) {
        registerAgent(input: $agent) { refusal { message } }
        startJobRun(input: $run) { attempt { runId } refusal { message } }
      }`,
      { agent, run: { jobId, agentId: agent.id, attemptToken } },
    );
    return { runId: startJobRun.attempt.runId, attemptToken };
  };

  const report = (attempt: Attempt, sequence: number, rest: object) =>
    ask(
      url,
      `mutation ($reports: [JobRunReportInput!]!) {
        reportJobRuns(reports: $reports) { results { status } }
      }`,
      { reports: [{ ...attempt, sequence, ...rest }] },
    );

  const finish = (attempt: Attempt, sequence: number, outcome: string, message?: string) =>
    ask(
      url,
      `mutation ($input: FinishJobRunInput!) {
        finishJobRun(input: $input) { result { status refusal { message } } }
      }`,
      {
        input: { ...attempt, sequence, outcome, progress: { agentResultMessage: message ?? null } },
      },
    );

  const reportProcessing = (runId: string, processingState: string, progress: object) =>
    ask(
      url,
      `mutation ($report: ProcessingReportInput!) {
        reportProcessing(reports: [$report]) { results { status refusal { message } } }
      }`,
      { report: { runId, sequence: 1, processingState, progress } },
    );

  return { queue, start, report, finish, reportProcessing };
}
