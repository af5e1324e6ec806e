/** The list as a file: all that match, not just the page. */
import { request } from '../data/client';
import { jobExport } from '../data/documents';
import { countErrors } from '../data/errors';
import type { ResultOf } from '../data/graphql';
import { toField } from '../format/time';
import { getSettings, type Settings } from '../settings/settings';
import { type Filter, variablesOf, viewOf } from './filter';

type Job = ResultOf<typeof jobExport>['jobsConnection']['nodes'][number];
type Value = string | number | null | undefined;

/** A moment in UTC as spreadsheets read it: they take one with a zone or microseconds for a text. */
export const moment = (text: string | null | undefined) =>
  text && new Date(text).toISOString().slice(0, 19).replace('T', ' ');

const fields: readonly (readonly [string, (job: Job) => Value])[] = [
  ['JobId', (job) => job.id],
  ['Name', (job) => job.name],
  ['Type', (job) => job.type],
  ['State', (job) => job.state],
  ['Priority', (job) => job.priority],
  ['ConfigurationId', (job) => job.configuration?.id],
  ['Configuration', (job) => job.configuration?.name],
  ['Provider', (job) => job.configuration?.provider],
  ['CreatedDate', (job) => moment(job.createdDate)],
  ['ScheduledDate', (job) => moment(job.scheduledDate)],
  ['RunId', (job) => job.currentRun?.id],
  ['AgentId', (job) => job.currentRun?.agent?.id],
  ['Agent', (job) => job.currentRun?.agent?.name],
  ['AgentStartTime', (job) => moment(job.currentRun?.agentStartTime)],
  ['AgentEndTime', (job) => moment(job.currentRun?.agentEndTime)],
  ['AgentElapsedExecutionTimeMs', (job) => job.currentRun?.agentElapsedExecutionTime],
  ['AgentPercentCompleted', (job) => job.currentRun?.agentPercentCompleted],
  ['AgentTasksCount', (job) => job.currentRun?.agentTasksCount],
  ['AgentTasksCompletedCount', (job) => job.currentRun?.agentTasksCompletedCount],
  ['AgentTasksFailedCount', (job) => job.currentRun?.agentTasksFailedCount],
  ['AgentCluesCount', (job) => job.currentRun?.agentCluesCount],
  ['AgentCluesCompletedCount', (job) => job.currentRun?.agentCluesCompletedCount],
  ['ProcessingState', (job) => job.currentRun?.processingState],
  ['ProcessingTasksReceivedCluesCount', (job) => job.currentRun?.processingTasksReceivedCluesCount],
  ['AgentResultMessage', (job) => job.currentRun?.agentResultMessage],
];

/** One value of a CSV file. A text that a spreadsheet would take for a formula gets a quote. */
export function cell(value: Value): string {
  if (value === null || value === undefined) return '';
  let text = String(value);
  if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const line = (values: Value[]) => `${values.map(cell).join(',')}\r\n`;

/**
 * Reads all that match and returns it as CSV, with how many values are empty because of an error;
 * tells how many jobs it has so far.
 */
export async function exportCsv(
  filter: Filter,
  told: (jobs: number) => void,
  signal: AbortSignal,
): Promise<{ file: Blob; errors: number }> {
  const { page: _, take: __, ...variables } = variablesOf(filter, getSettings(), Date.now());
  // Spreadsheets take a file without this mark for one of their own encoding.
  const parts = ['\ufeff', line(fields.map(([name]) => name))];
  let after: string | null = null;
  let jobs = 0;
  let errors = 0;
  do {
    const answer: ResultOf<typeof jobExport> = await request(
      jobExport,
      { ...variables, after },
      signal,
    );
    const { nodes, pageInfo } = answer.jobsConnection;
    for (const job of nodes) parts.push(line(fields.map(([, read]) => read(job))));
    jobs += nodes.length;
    errors += countErrors(answer);
    told(jobs);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after);
  return { file: new Blob(parts, { type: 'text/csv;charset=utf-8' }), errors };
}

/** What a file of the list is called: what it has, and when it was made in the chosen zone. */
export function fileName(filter: Filter, settings: Settings, now: number): string {
  const view = viewOf(filter);
  const states = filter.states.map((state) => state.toLowerCase().replaceAll('_', '-'));
  const what = view === 'all' ? [] : view ? [view] : states;
  const made = toField(new Date(now).toISOString(), settings);
  return `${['jobs', ...what, made.replace('T', '-').replace(':', '')].join('-')}.csv`;
}

export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
