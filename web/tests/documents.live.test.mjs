// The examples of the README and the manual, executed as they stand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { documents } from '../scripts/documents.mjs';
import { createDatabase, serve } from './support/server';

const WRITTEN = '127.0.0.1:8080';

// Modules are found from here as from a frontend's own sources.
const web = fileURLToPath(new URL('..', import.meta.url));

// What browsers and newer versions of Node have.
const SOCKETS = "import WebSocket from 'ws';\nglobalThis.WebSocket ??= WebSocket;\n";

/** The first line that a program prints, after which it is ended. */
async function firstLine(command, words) {
  const child = spawn(command, words, { cwd: web, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  child.stderr.on('data', (text) => said.push(text));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`it ended with ${code} without a line: ${said.join('')}`);
  });
  ended.catch(() => {});
  try {
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
    return line;
  } finally {
    child.kill('SIGKILL');
  }
}

const snippets = (language) =>
  documents.flatMap((document) =>
    document.blocks(language).map(({ text, line }) => ({ name: `${document.name}:${line}`, text })),
  );

for (const kind of ['sqlite', 'postgres']) {
  describe(`The documents' examples, on ${kind}`, { timeout: 180_000 }, () => {
    const database = createDatabase(kind);
    const folder = mkdtempSync(join(web, 'node_modules', '.documents-'));
    let server;
    let address;

    beforeAll(async () => {
      // Jobs that are queued wait for the agent of the examples.
      server = await serve('demo', database.url, { options: ['--agents', '0'] });
      address = new URL(server.url).host;
    });

    afterAll(async () => {
      await server.stop();
      database.drop();
      rmSync(folder, { recursive: true });
    });

    const programs = snippets('js');
    assert.ok(programs.length >= 4, 'the documents have programs');
    programs.forEach(({ name, text }, index) => {
      test(name, async () => {
        assert.ok(text.includes(WRITTEN), 'it names a server');
        const file = join(folder, `example-${index}.mjs`);
        writeFileSync(file, SOCKETS + text.replaceAll(WRITTEN, address));
        const line = await firstLine(process.execPath, [file]);
        const shows = text.includes('finishJobRun') ? /^ACCEPTED$/ : /^\[|^[1-9]/;
        assert.match(line, shows);
        assert.notEqual(line, '[]', 'jobs execute');
      });
    });

    const commands = snippets('sh').filter(({ text }) => /^curl [^.]*http/.test(text));
    assert.ok(commands.length >= 2, 'the documents have commands');
    for (const { name, text } of commands) {
      test(name, async () => {
        const command = text.replaceAll(WRITTEN, address);
        assert.notEqual(command, text, 'it names a server');
        const answer = JSON.parse(await firstLine('bash', ['-c', command]));
        assert.equal(answer.errors, undefined, JSON.stringify(answer));
        const jobs = answer.data?.jobs.items ?? answer.Items;
        assert.ok(jobs.length > 0, JSON.stringify(answer));
      });
    }
  });
}
