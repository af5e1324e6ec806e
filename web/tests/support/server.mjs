// The program itself, on a database of its own.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const binary =
  process.env.AGENT_JOBS_BIN ??
  fileURLToPath(new URL('../../../target/debug/agent-jobs', import.meta.url));

const postgres =
  process.env.AGENT_JOBS_TEST_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const psql = (statement) => execFileSync('psql', ['-q', '-X', postgres, '-c', statement]);

/** An empty database of one kind, and how to be rid of it. */
export function createDatabase(kind) {
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'agent-jobs-web-'));
    const drop = () => rmSync(folder, { recursive: true, force: true });
    return { url: `sqlite://${folder}/jobs.db`, drop };
  }
  const name = `agent_jobs_web_${randomBytes(6).toString('hex')}`;
  psql(`CREATE DATABASE ${name}`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => psql(`DROP DATABASE ${name} WITH (FORCE)`) };
}

/** Starts a command that serves, such as `demo`, and waits until it does. */
export async function serve(command, databaseUrl, { listen = '127.0.0.1:0', options = [] } = {}) {
  const child = spawn(
    binary,
    [command, '--listen', listen, '--database-url', databaseUrl, ...options],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, AGENT_JOBS_LOG: 'warn' } },
  );
  const ended = once(child, 'exit');
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url = /listening on (http:\S+)/.exec(line)?.[1];
    break;
  }
  if (!url) throw new Error(`${command} ended before it listened`);
  child.stdout.resume();
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  return { url, stop };
}

/** Runs a command on a database to its end; what it printed. */
export const command = (databaseUrl, ...words) =>
  execFileSync(binary, [...words, '--database-url', databaseUrl], {
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();

/** Plays agents until it is stopped. */
export function simulate(url, options = []) {
  const child = spawn(binary, ['simulate', '--url', url, '--quiet', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  return async () => {
    child.kill('SIGINT');
    await ended;
  };
}

/** Asks the API. */
export async function ask(url, query, variables = {}) {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Imports rows, each an object with the names of the export; a table is a list of them. */
export function importRows(databaseUrl, tables) {
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
