// The history of the demo, which is made once for each kind of database and copied for each server.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, type Database, dropPostgres, type Kind, serve } from './server';
import { until } from './until';

/** The folder that all processes of a run share. */
const FOLDER = 'AGENT_JOBS_TEST_HISTORIES';

/** Vitest calls this before all test files, and what it returns after them. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'agent-jobs-histories-'));
  process.env[FOLDER] = folder;
  return () => {
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.url'))) {
      const url = readFileSync(join(folder, name), 'utf8');
      if (url.startsWith('postgres:')) dropPostgres(url);
      else rmSync(join(url.replace('sqlite://', ''), '..'), { recursive: true, force: true });
    }
    rmSync(folder, { recursive: true, force: true });
  };
}

/** A copy of the demo's history. */
export async function demoDatabase(kind: Kind): Promise<Database> {
  const path = join(process.env[FOLDER] ?? '', `${kind}.url`);
  if (isFirst(`${path}.lock`)) {
    const original = createDatabase(kind);
    const server = await serve('demo', original.url, { options: ['--agents', '0'] });
    await server.stop();
    await writeFile(path, original.url);
  }
  await until(() => existsSync(path), `the demo's history on ${kind}`);
  return createDatabase(kind, { url: readFileSync(path, 'utf8') });
}

function isFirst(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}
