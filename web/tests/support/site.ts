// A server of the tests in a file, and the pages that they open on it.
import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { Settings } from '../../src/dashboard/settings/settings';
import { isRepeated } from './axe';
import { closeContexts, type OpenPage, open } from './browser';
import { demoDatabase } from './demo-database';
import {
  type Answer,
  ask,
  createDatabase,
  type Database,
  type Kind,
  kinds,
  type Server,
  serve,
} from './server';

interface SiteOptions {
  /** The words of the server's command line, besides its address and database. */
  options?: readonly string[];
  /** Whether it has the history of the demo instead of an empty database. */
  isDemo?: boolean;
  /** Fills the database before the server starts. */
  fill?(database: Database): void;
}

export interface PageOptions extends BrowserContextOptions {
  /** What the browser remembers of the user's settings. */
  settings?: Partial<Settings>;
  /** The page's time, which stands still. */
  now?: () => number;
  /** What the page shows once it is ready. */
  ready?: string;
  /** Complaints of the page that are part of the test. */
  meant?: RegExp;
  /** Called before the page is opened. */
  prepare?(page: Page): Promise<unknown>;
}

export type Steps = (page: Page) => Promise<unknown>;

/** A server on a database of its own, for the tests of the block in which it is made. */
export class Site {
  #database: Database | undefined;
  #server: Server | undefined;

  constructor(
    readonly kind: Kind,
    private readonly options: SiteOptions = {},
  ) {
    beforeAll(() => this.#start());
    afterAll(() => this.#stop());
  }

  get url(): string {
    return this.server.url;
  }

  get database(): Database {
    assert.ok(this.#database);
    return this.#database;
  }

  get server(): Server {
    assert.ok(this.#server);
    return this.#server;
  }

  at(path: string): string {
    return new URL(path, `${this.url}/`).href;
  }

  ask(query: string, variables?: object): Promise<Answer> {
    return ask(this.url, query, variables);
  }

  /** Kills the server; the next one has the same address. */
  async kill(): Promise<() => Promise<void>> {
    const { host } = new URL(this.url);
    await this.server.stop('SIGKILL');
    return async () => {
      this.#server = await serve('serve', this.database.url, { listen: host });
    };
  }

  async open(options?: BrowserContextOptions): Promise<OpenPage> {
    const opened = await open(this.url, options);
    if (kinds.includes(this.kind) && this.kind !== kinds[0]) isRepeated(opened.page);
    return opened;
  }

  /** Runs steps as a test on the page at a path, which must not complain. */
  on(name: string, path: string | (() => string), steps: Steps, options: PageOptions = {}): void {
    const { settings, now, ready, meant, prepare, ...context } = options;
    test(name, async () => {
      const { page, complaints, close } = await this.open(context);
      try {
        if (settings) {
          await page.addInitScript(
            (text) => localStorage.setItem('agent-jobs:settings', text),
            JSON.stringify(settings),
          );
        }
        if (now) await page.clock.setFixedTime(now());
        await prepare?.(page);
        await page.goto(this.at(typeof path === 'string' ? path : path()));
        if (ready) await page.locator(ready).first().waitFor();
        await steps(page);
        const unexpected = complaints.filter((complaint) => !meant?.test(complaint));
        assert.deepEqual(unexpected, []);
      } finally {
        await close();
      }
    });
  }

  async #start(): Promise<void> {
    const { isDemo, fill, options = [] } = this.options;
    this.#database = isDemo ? await demoDatabase(this.kind) : createDatabase(this.kind);
    fill?.(this.#database);
    this.#server = await serve('serve', this.#database.url, { options });
  }

  async #stop(): Promise<void> {
    if (this.#server) {
      await closeContexts(this.url);
      await this.#server.stop();
    }
    this.#database?.drop();
  }
}

/** Describes a subject on each kind of database. */
export function describeOnDatabases(subject: string, tests: (kind: Kind) => void): void {
  for (const kind of kinds) describe(`${subject} on ${kind}`, () => tests(kind));
}
