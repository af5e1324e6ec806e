/** The list as a file: all that match, not just the page. */
import { request } from '../data/client';
import { jobExport } from '../data/documents';
import { countErrors } from '../data/errors';
import type { ResultOf } from '../data/graphql';
import { toField } from '../format/time';
import { getSettings, type Settings } from '../settings/settings';
import type { Column } from './columns';
import { type Filter, variablesOf, viewOf } from './filter';

type Job = ResultOf<typeof jobExport>['jobsConnection']['nodes'][number];
type Value = string | number | null | undefined;

/** A moment in UTC as spreadsheets read it: they take one with a zone or microseconds for a text. */
export const moment = (text: string | null | undefined) =>
  text && new Date(text).toISOString().slice(0, 19).replace('T', ' ');

interface Field {
  name: string;
  /** The column of the list that shows it; undefined: it is in every file. */
  column?: Column['key'];
  read(job: Job): Value;
}

const field = (name: string, column: Column['key'] | undefined, read: Field['read']): Field => ({
  name,
  ...(column && { column }),
  read,
});

const fields: readonly Field[] = [
  field('JobId', undefined, (job) => job.id),
  field('Name', 'job', (job) => job.name),
  field('Type', 'type', (job) => job.type),
  field('State', 'state', (job) => job.state),
  field('Priority', 'priority', (job) => job.priority),
  field('ConfigurationId', 'job', (job) => job.configuration?.id),
  field('Configuration', 'job', (job) => job.configuration?.name),
  field('Provider', 'job', (job) => job.configuration?.provider),
  field('CreatedDate', 'created', (job) => moment(job.createdDate)),
  field('ScheduledDate', 'scheduled', (job) => moment(job.scheduledDate)),
  field('UpdateDate', 'changed', (job) => moment(job.updateDate)),
  field('RunId', 'id', (job) => job.currentRun?.id),
  field('RunUpdateDate', 'updated', (job) => moment(job.currentRun?.updateDate)),
  field('AgentId', 'agent', (job) => job.currentRun?.agent?.id),
  field('Agent', 'agent', (job) => job.currentRun?.agent?.name),
  field('AgentStartTime', 'started', (job) => moment(job.currentRun?.agentStartTime)),
  field('AgentEndTime', 'finished', (job) => moment(job.currentRun?.agentEndTime)),
  field(
    'AgentElapsedExecutionTimeMs',
    'duration',
    (job) => job.currentRun?.agentElapsedExecutionTime,
  ),
  field('AgentPercentCompleted', 'progress', (job) => job.currentRun?.agentPercentCompleted),
  field('TasksPerMinute', 'rate', (job) => job.currentRun?.tasksPerMinute),
  field('AgentTasksCount', 'tasks', (job) => job.currentRun?.agentTasksCount),
  field('AgentTasksCompletedCount', 'tasks', (job) => job.currentRun?.agentTasksCompletedCount),
  field('AgentTasksFailedCount', 'tasks', (job) => job.currentRun?.agentTasksFailedCount),
  field('AgentCluesCount', 'clues', (job) => job.currentRun?.agentCluesCount),
  field('AgentCluesCompletedCount', 'clues', (job) => job.currentRun?.agentCluesCompletedCount),
  field('ProcessingState', 'processing', (job) => job.currentRun?.processingState),
  field(
    'ProcessingTasksReceivedCluesCount',
    'processing',
    (job) => job.currentRun?.processingTasksReceivedCluesCount,
  ),
  field('AgentResultMessage', 'message', (job) => job.currentRun?.agentResultMessage),
];

/** The fields of a file: those of the columns that were chosen, or all. */
export function fieldsFor({ columns }: Pick<Filter, 'columns'>): readonly Field[] {
  if (!columns) return fields;
  return fields.filter(
    ({ column }) => column === undefined || column === 'job' || columns.includes(column),
  );
}

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
  const written = fieldsFor(filter);
  const parts = ['\ufeff', line(written.map(({ name }) => name))];
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
    for (const job of nodes) parts.push(line(written.map(({ read }) => read(job))));
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
