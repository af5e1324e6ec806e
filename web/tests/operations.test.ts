/**
 * Every operation of the dashboard, against a running server (AGENT_JOBS_URL) and against the
 * pages that show what it asks for.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type DefinitionNode,
  type DocumentNode,
  type OperationDefinitionNode,
  print,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import * as mainDocuments from '../src/dashboard/data/documents';
import * as failureDocuments from '../src/dashboard/data/failure-documents';
import * as queueDocuments from '../src/dashboard/data/queue-documents';
import * as statisticsDocuments from '../src/dashboard/data/statistics-documents';

const documents = {
  ...mainDocuments,
  ...failureDocuments,
  ...queueDocuments,
  ...statisticsDocuments,
};

const server = process.env.AGENT_JOBS_URL;
const endpoint = server && new URL('graphql', server.endsWith('/') ? server : `${server}/`).href;

const all = Object.values(documents) as unknown as DocumentNode[];
const isOperation = (definition: unknown): definition is OperationDefinitionNode =>
  (definition as OperationDefinitionNode).kind === 'OperationDefinition';
const operations = all.flatMap((document) => {
  const operation = document.definitions.find(isOperation);
  return operation ? [{ document, operation, name: operation.name?.value ?? '' }] : [];
});

const ask = async (body: object, accept = 'application/json') => {
  const headers = { 'content-type': 'application/json', accept };
  const response = await fetch(endpoint ?? '', {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return response;
};

interface Answer {
  data?: Record<string, unknown> | null;
  errors?: unknown;
}

describe.skipIf(!server)('the server', async () => {
  const query = `{
    jobs(take: 1, state: COMPLETED) { items { id } }
    agents(take: 1) { items { id } }
    configurations(take: 1) { items { id } }
    failureGroups(first: 1) { nodes { id } }
  }`;
  const found = server ? ((await (await ask({ query })).json()) as { data: Ids }).data : undefined;
  interface Ids {
    jobs: { items: { id: string }[] };
    agents: { items: { id: string }[] };
    configurations: { items: { id: string }[] };
    failureGroups: { nodes: { id: string }[] };
  }
  const job = found?.jobs.items[0]?.id;
  const agentId = found?.agents.items[0]?.id;
  const configurationId = found?.configurations.items[0]?.id;
  const failureGroupId = found?.failureGroups.nodes[0]?.id;
  const known = { configurationIds: configurationId ? [configurationId] : null };
  const from = '2026-01-01T00:00:00.000Z';
  const conditions = {
    states: ['COMPLETED', 'FAILED'],
    configurationIds: configurationId ? [configurationId] : null,
    agentIds: agentId ? [agentId] : null,
    search: 'a',
    createdAfter: '2000-01-01T00:00:00.000Z',
    createdBefore: '2100-01-01T00:00:00.000Z',
    scheduledAfter: null,
  };
  const orderBy = { field: 'CREATED_DATE', direction: 'DESC' };
  const input = { filter: conditions, dryRun: true };
  const variables: Record<string, object> = {
    ExecutingJobsLive: {},
    ExecutingJobsNow: {},
    JobCountsLive: { configurationId },
    JobCountsNow: { configurationId: null },
    AgentCounts: { agentId },
    JobList: { filter: conditions, page: 0, take: 25, orderBy },
    JobExport: { filter: conditions, after: null, orderBy },
    ConfigurationNames: { page: 0 },
    AgentNames: { page: 0 },
    ConfigurationList: { page: 0 },
    ConfigurationDetail: { id: configurationId },
    JobState: { id: job },
    AgentList: { page: 0 },
    AgentDetail: { id: agentId },
    JobRunNow: { id: job },
    JobRunLive: { id: job },
    JobDetail: { id: job, take: 50 },
    RequestCancellation: { input: { ...input, reason: null } },
    RetryJobs: { input },
    JobTargets: { filter: conditions, first: 200, after: null },
    WhoAsks: {},
    ForceCancel: { input: { jobIds: ['00000000-0000-4000-8000-000000000000'], reason: null } },
    QueueJobs: { input: [{ configurationId, name: 'of a test' }] },
    FailureGroupTitle: { id: failureGroupId },
    SameFailure: { id: job },
    FailureGroups: { filter: { isAcknowledged: false }, orderBy: 'LAST_SEEN', after: null },
    AcknowledgeFailureGroup: { input: { id: failureGroupId, note: 'of a test' } },
    ReopenFailureGroup: { input: { id: failureGroupId } },
    StatisticsOverTime: { filter: known, from: null, to: null, bucket: 'DAY' },
    StatisticsByGroup: { filter: known, from, to: null, groupBy: ['CONFIGURATION'] },
  };

  it.each(operations)('answers $name', async ({ document, operation, name }) => {
    // A new operation says here what it is asked with.
    expect(Object.keys(variables)).toContain(name);
    const body = { query: print(document), operationName: name, variables: variables[name] };
    let answer: Answer;
    if (operation.operation === 'subscription') {
      const response = await ask(body, 'text/event-stream');
      let text = '';
      for await (const piece of response.body ?? []) {
        text += Buffer.from(piece).toString();
        if (/data: \{.*\n\n/.test(text)) break;
      }
      answer = JSON.parse(/data: (\{.*)\n\n/.exec(text)?.[1] ?? '{}');
    } else {
      answer = await (await ask(body)).json();
    }
    expect(answer.errors).toBeUndefined();
    expect(Object.values(answer.data ?? {}).every((value) => value !== null)).toBe(true);
  });
});

describe('the pages', () => {
  const folder = join(import.meta.dirname, '../src/dashboard');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .filter((path) => !/(documents|graphql-env\.d|\.test)\.tsx?$/.test(path))
    .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
  const textOf = (files: typeof sources) => files.map(({ text }) => text).join('\n');
  const has = (text: string, name: string) => new RegExp(`\\b${name}\\b`).test(text);
  const declarations = sources
    .filter(({ path }) => path.startsWith('data/'))
    .flatMap(({ text }) => text.split(/^export (?:type|function) (?=\w)/m).slice(1));

  /** The files that name a document, or a type or hook of it from data/, and what they import. */
  const around = (document: string) => {
    const names = [document];
    for (const text of declarations) {
      if (names.some((name) => has(text, name))) names.push(text.match(/^\w+/)?.[0] ?? '');
    }
    const naming = sources.filter(({ text }) => names.some((name) => has(text, name)));
    const imported = naming.flatMap(({ path, text }) =>
      [...text.matchAll(/ from '(\..+)'/g)].map(([, to = '']) => join(dirname(path), to)),
    );
    const others = sources.filter(({ path }) => imported.includes(path.replace(/\.tsx?$/, '')));
    return textOf([...naming, ...others]);
  };
  /** What only the raw JSON of a job shows. */
  const raw = ['priority'];

  it.each(Object.entries(documents))('use every field of %s', (name, document) => {
    const [everywhere, here] = [textOf(sources), around(name)];
    const unused: string[] = [];
    // Fragments are documents of their own.
    visit((document as unknown as DocumentNode).definitions[0] as DefinitionNode, {
      Field: ({ alias, name: { value } }) => {
        // An alias is passed on as a key.
        const isUsed = alias ? has(everywhere, alias.value) : has(here, value);
        if (!isUsed && !(name === 'jobDetail' && raw.includes(value))) unused.push(value);
      },
    });
    expect(unused).toEqual([]);
  });

  it('use every operation', () => {
    const names = Object.keys(documents).filter((name) =>
      isOperation((documents as unknown as Record<string, DocumentNode>)[name]?.definitions[0]),
    );
    expect(names.filter((name) => !has(textOf(sources), name))).toEqual([]);
  });
});
