// The program itself, on a database of its own.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Kind = 'sqlite' | 'postgres';

/** The databases that are tested. */
export const kinds = (process.env.AGENT_JOBS_TEST_DATABASES ?? 'sqlite,postgres').split(
  ',',
) as Kind[];

export const binary =
  process.env.AGENT_JOBS_BIN ??
  fileURLToPath(new URL('../../../target/debug/agent-jobs', import.meta.url));

const postgres =
  process.env.AGENT_JOBS_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const psql = (statement: string) => execFileSync('psql', ['-q', '-X', postgres, '-c', statement]);

export interface Database {
  kind: Kind;
  url: string;
  drop(): void;
}

/** A database of one kind: empty, or a copy of another that no server has open. */
export function createDatabase(kind: Kind, original?: Pick<Database, 'url'>): Database {
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'agent-jobs-web-'));
    const drop = () => rmSync(folder, { recursive: true, force: true });
    const path = join(folder, 'jobs.db');
    if (original) copyFileSync(original.url.replace('sqlite://', ''), path);
    return { kind, url: `sqlite://${path}`, drop };
  }
  const name = `agent_jobs_web_${randomBytes(6).toString('hex')}`;
  const template = original && new URL(original.url).pathname.slice(1);
  psql(`CREATE DATABASE ${name}${template ? ` TEMPLATE ${template}` : ''}`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  return { kind, url: url.href, drop: () => dropPostgres(url.href) };
}

export const dropPostgres = (url: string) =>
  psql(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);

export interface Server {
  url: string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

interface ServeOptions {
  listen?: string;
  options?: readonly string[];
}

/** Starts a command that serves, such as `demo`, and waits until it does. */
export async function serve(
  command: 'serve' | 'demo',
  databaseUrl: string,
  { listen = '127.0.0.1:0', options = [] }: ServeOptions = {},
): Promise<Server> {
  const child = spawn(
    binary,
    [command, '--listen', listen, '--database-url', databaseUrl, ...options],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, AGENT_JOBS_LOG: 'warn' } },
  );
  const ended = once(child, 'exit');
  let url: string | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    url = /listening on (http:\S+)/.exec(line)?.[1];
    break;
  }
  if (!url) throw new Error(`${command} ended before it listened`);
  child.stdout.resume();
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  return { url, stop };
}

/** Runs a command on a database to its end; what it printed. */
export const command = (databaseUrl: string, ...words: string[]): string =>
  execFileSync(binary, [...words, '--database-url', databaseUrl], {
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();

/** Plays agents until it is stopped. */
export function simulate(url: string, options: readonly string[] = []): () => Promise<void> {
  const child = spawn(binary, ['simulate', '--url', url, '--quiet', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  return async () => {
    child.kill('SIGINT');
    await ended;
  };
}

// biome-ignore lint/suspicious/noExplicitAny: its fields are those that the test asked for.
export type Answer = any;

/** Asks the API. */
export async function ask(url: string, query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Answer; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Imports rows, each an object with the names of the export; a table is a list of them. */
export function importRows(databaseUrl: string, tables: Record<string, readonly object[]>): void {
  const folder = mkdtempSync(join(tmpdir(), 'agent-jobs-web-'));
  try {
    const files = Object.entries(tables).map(([table, rows]) => {
      const path = join(folder, `${table}.ndjson`);
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      return `${table}=${path}`;
    });
    command(databaseUrl, 'import', ...files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
