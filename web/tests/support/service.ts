// A server of a test's own: the real program, over an empty database that goes with it.
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Answer } from './server';

const program =
  process.env.AGENT_JOBS ??
  fileURLToPath(new URL('../../../target/debug/agent-jobs', import.meta.url));

const admin = process.env.AGENT_JOBS_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** Both databases that the service knows. */
export const databases = ['SQLite', 'PostgreSQL'];

export class Service {
  #database: ServiceDatabase | undefined;
  #process: ChildProcessByStdio<null, Readable, null> | undefined;
  address = '';

  static async start(kind: string): Promise<Service> {
    const service = new Service();
    const database = kind === 'PostgreSQL' ? createPostgres() : createSqlite();
    service.#database = database;
    try {
      await service.#serve('127.0.0.1:0');
    } catch (error) {
      database.remove();
      throw error;
    }
    return service;
  }

  /** Where it takes requests: `http://…/graphql`. */
  get endpoint() {
    return new URL('graphql', `${this.address}/`).href;
  }

  /** Where it takes WebSockets: `ws://…/graphql`. */
  get socketEndpoint() {
    return this.endpoint.replace(/^http/, 'ws');
  }

  async #serve(listen: string): Promise<void> {
    const { url } = this.#opened;
    const child = spawn(program, ['serve', '--database-url', url, '--listen', listen], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, AGENT_JOBS_LOG: 'error' },
    });
    this.#process = child;
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server ended with ${code} before it listened`);
    });
    ended.catch(() => {});
    const [line] = await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'error').then(([error]) => Promise.reject(error)),
      ended,
    ]);
    this.address = /http:\S+/.exec(line)?.[0] ?? '';
  }

  get #opened(): ServiceDatabase {
    assert.ok(this.#database);
    return this.#database;
  }

  async #end(): Promise<void> {
    assert.ok(this.#process);
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  }

  /** Stops it as an operator would, and starts it again at the same port. */
  async restart() {
    await this.#end();
    await this.#serve(new URL(this.address).host);
  }

  async stop() {
    try {
      await this.#end();
    } finally {
      this.#opened.remove();
    }
  }

  async ask(query: string, variables?: object): Promise<Answer> {
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Answer; errors?: unknown };
    assert.equal(errors, undefined, JSON.stringify(errors));
    return data;
  }

  /** Runs a statement on the database, as another program would. */
  execute(sql: string): void {
    this.#opened.execute(sql);
  }

  /** A job that an agent has taken and works on, in a configuration of its own. */
  async begin(name: string): Promise<Work> {
    const [agentId, configurationId, token] = [randomUUID(), randomUUID(), randomUUID()];
    await this.ask(
      `mutation ($agent: UUID!, $configuration: UUID!) {
        registerAgent(input: { id: $agent, name: "a test's" }) { refusal { message } }
        saveConfiguration(input: { id: $configuration, name: "a test's" }) { refusal { message } }
      }`,
      { agent: agentId, configuration: configurationId },
    );
    const { queueJobs } = await this.ask(
      'mutation ($jobs: [QueueJobInput!]!) { queueJobs(input: $jobs) { results { jobId } } }',
      { jobs: [{ configurationId, name }] },
    );
    const [{ jobId }] = queueJobs.results;
    const { startJobRun } = await this.ask(
      `mutation ($input: StartJobRunInput!) {
        startJobRun(input: $input) { attempt { runId } refusal { message } }
      }`,
      { input: { jobId, agentId, attemptToken: token } },
    );
    assert.equal(startJobRun.refusal, null);
    return new Work(this, {
      jobId,
      agentId,
      configurationId,
      runId: startJobRun.attempt.runId,
      token,
    });
  }
}

/** A job that an agent works on. */
interface Started {
  jobId: string;
  agentId: string;
  configurationId: string;
  runId: string;
  token: string;
}

export class Work {
  #service: Service;
  #token: string;
  #sequence = 0;
  readonly jobId: string;
  readonly agentId: string;
  readonly configurationId: string;
  readonly runId: string;

  constructor(service: Service, { jobId, agentId, configurationId, runId, token }: Started) {
    this.#service = service;
    this.#token = token;
    this.jobId = jobId;
    this.agentId = agentId;
    this.configurationId = configurationId;
    this.runId = runId;
  }

  #attempt() {
    this.#sequence += 1;
    return { runId: this.runId, attemptToken: this.#token, sequence: this.#sequence };
  }

  async report(percent: number): Promise<void> {
    const report = { ...this.#attempt(), progress: { agentPercentCompleted: percent } };
    const { reportJobRuns } = await this.#service.ask(
      `mutation ($report: JobRunReportInput!) {
        reportJobRuns(reports: [$report]) { results { status } }
      }`,
      { report },
    );
    assert.deepEqual(reportJobRuns.results, [{ status: 'ACCEPTED' }]);
  }

  async finish(outcome: string, agentResultMessage: string): Promise<void> {
    const input = { ...this.#attempt(), outcome, progress: { agentResultMessage } };
    const { finishJobRun } = await this.#service.ask(
      `mutation ($input: FinishJobRunInput!) {
        finishJobRun(input: $input) { result { status } }
      }`,
      { input },
    );
    assert.deepEqual(finishJobRun.result, { status: 'ACCEPTED' });
  }
}

interface ServiceDatabase {
  url: string;
  execute(sql: string): void;
  remove(): void;
}

function createSqlite(): ServiceDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'agent-jobs-'));
  const remove = () => rmSync(folder, { recursive: true });
  const file = join(folder, 'test.db');
  const execute = (sql: string) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', file, sql]);
  return { url: `sqlite://${file}`, execute, remove };
}

function createPostgres(): ServiceDatabase {
  const name = `agent_jobs_test_${randomUUID().replaceAll('-', '')}`;
  const url = admin.replace(/[^/]*$/, name);
  const runIn = (database: string) => (sql: string) =>
    execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', sql]);
  const run = runIn(admin);
  try {
    run(`CREATE DATABASE ${name}`);
  } catch (error) {
    throw new Error(
      `The tests need psql and a PostgreSQL server: ${(error as { stderr?: unknown }).stderr || error}\n` +
        'Start one, for example with `service postgresql start`, or set\n' +
        'AGENT_JOBS_TEST_POSTGRES to the URL of one where databases may be created, such as\n' +
        'postgres://user:password@host:5432/postgres.',
    );
  }
  return {
    url,
    execute: runIn(url),
    remove: () => run(`DROP DATABASE ${name} WITH (FORCE)`),
  };
}
