/**
 * The page's one connection for what changes: GraphQL over a WebSocket; where that does not get
 * through, server-sent events; where these do not either, a question every few seconds.
 *
 * It always goes down this list and starts at its top again: when a connection is lost, when the
 * server answers again, and now and then while it only polls.
 */
import type { TadaDocumentNode } from 'gql.tada';
import { createClient as createEventClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { graphqlUrl, socketUrl } from '../base';
import {
  dataOf,
  failureOf,
  type GraphQLResponse,
  type Operation,
  operationOf,
  RequestError,
} from '../data/client';
import { t } from '../i18n';

export type Mode = 'connecting' | 'socket' | 'events' | 'polling' | 'paused' | 'offline';

/** A connection that is not there by then is not going to be. */
const CONNECT_TIMEOUT = 4_000;
const POLL_EVERY = 3_000;
/** How often something better is tried while only polling works. */
const UPGRADE_EVERY = 30_000;
/** Browsers allow six connections to a host; hidden tabs close theirs. */
const HIDDEN_AFTER = 30_000;

interface Watch {
  operation: Operation;
  variables: Record<string, unknown>;
  next(data: unknown): void;
  /** Asks once, in place of a subscription. Fails if the server cannot be reached. */
  poll(signal: AbortSignal): Promise<void>;
  /** Polled in place of a second stream of events. */
  isMinor: boolean;
  /** Of the transport that serves it now. */
  stop?: (() => void) | undefined;
}

type Listener = () => void;

export class Connection {
  mode: Mode = 'connecting';
  trouble: RequestError | undefined;
  private watches = new Set<Watch>();
  private listeners = new Set<Listener>();
  /** Ends the present attempt with all that it started. */
  private attempt: AbortController | undefined;
  private start: ((watch: Watch) => void) | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private isPaused = false;

  /** Watches what a subscription tells; ends when the result is called. */
  watch<Data, Variables extends Record<string, unknown>>(watch: {
    document: TadaDocumentNode<Data, Variables>;
    variables: Variables;
    next(data: Data): void;
    poll(signal: AbortSignal): Promise<void>;
    isMinor?: boolean;
  }): () => void {
    const entry: Watch = {
      operation: operationOf(watch.document),
      variables: watch.variables,
      next: watch.next as (data: unknown) => void,
      poll: watch.poll,
      isMinor: watch.isMinor ?? false,
    };
    this.watches.add(entry);
    this.start?.(entry);
    return () => {
      this.watches.delete(entry);
      entry.stop?.();
    };
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getMode = (): Mode => this.mode;
  getTrouble = (): RequestError | undefined => this.trouble;

  /** Begins, and again from the top of the list. */
  open(): void {
    if (this.isPaused) return;
    this.close();
    const attempt = new AbortController();
    this.attempt = attempt;
    this.run(attempt.signal);
  }

  /** Whether nothing is to change for now. */
  pause(isPaused: boolean): void {
    if (isPaused === this.isPaused) return;
    this.isPaused = isPaused;
    if (isPaused) {
      this.close();
      this.set('paused');
    } else {
      this.set('connecting');
      this.open();
    }
  }

  /** Follows the browser: a tab that comes to the front, a network that is back. */
  follow(): () => void {
    const visibility = () => {
      clearTimeout(this.hiddenTimer);
      if (document.visibilityState === 'hidden') {
        this.hiddenTimer = setTimeout(() => {
          if (this.mode === 'events' || this.mode === 'polling') this.close();
        }, HIDDEN_AFTER);
      } else if (!this.attempt) {
        this.open();
      }
    };
    const online = () => this.open();
    document.addEventListener('visibilitychange', visibility);
    window.addEventListener('online', online);
    return () => {
      document.removeEventListener('visibilitychange', visibility);
      window.removeEventListener('online', online);
    };
  }

  close(): void {
    this.attempt?.abort();
    this.attempt = undefined;
    this.start = undefined;
    for (const watch of this.watches) this.stop(watch);
  }

  private stop(watch: Watch): void {
    watch.stop?.();
    watch.stop = undefined;
  }

  private set(mode: Mode, trouble?: RequestError): void {
    if (this.mode === mode && this.trouble?.message === trouble?.message) return;
    this.mode = mode;
    this.trouble = trouble;
    for (const listener of this.listeners) listener();
  }

  private async run(signal: AbortSignal): Promise<void> {
    if (await this.trySocket(signal)) return;
    if (signal.aborted) return;
    if (await this.tryEvents(signal)) return;
    if (signal.aborted) return;
    await this.poll(signal);
  }

  /** Serves every watch, now and later, in this way. */
  private serve(start: (watch: Watch) => void): void {
    this.start = start;
    for (const watch of this.watches) {
      this.stop(watch);
      start(watch);
    }
  }

  private answer(watch: Watch, response: GraphQLResponse<unknown>): void {
    let data: unknown;
    try {
      data = dataOf(response);
    } catch (error) {
      this.refused(error);
      return;
    }
    watch.next(data);
  }

  private refused(error: unknown): void {
    const fault = Array.isArray(error) ? failureOf(error) : error;
    if (fault instanceof RequestError && fault.trouble === 'signed-out') {
      this.close();
      this.set('offline', fault);
    }
  }

  private trySocket(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const client = createSocketClient({
        url: socketUrl,
        lazy: false,
        retryAttempts: 0,
        keepAlive: 12_000,
        connectionAckWaitTimeout: CONNECT_TIMEOUT,
        // What goes wrong is told by `closed`.
        onNonLazyError: () => {},
      });
      let isOpen = false;
      const timer = setTimeout(() => end(), CONNECT_TIMEOUT + 500);
      const end = () => {
        clearTimeout(timer);
        client.terminate();
        void client.dispose();
        resolve(false);
      };
      signal.addEventListener('abort', end, { once: true });
      client.on('connected', () => {
        if (signal.aborted) return;
        clearTimeout(timer);
        isOpen = true;
        this.set('socket');
        this.serve((watch) => {
          watch.stop = client.subscribe(
            { ...watch.operation, variables: watch.variables },
            {
              next: (response) => this.answer(watch, response),
              error: (error) => this.refused(error),
              complete: () => {},
            },
          );
        });
        resolve(true);
      });
      client.on('closed', (event) => {
        if (signal.aborted) return;
        signal.removeEventListener('abort', end);
        const code = (event as CloseEvent).code;
        if (code === 4401 || code === 4403) {
          end();
          this.refused(new RequestError('signed-out', t.errors.notSignedIn, 'UNAUTHENTICATED'));
        } else if (isOpen) {
          this.set('connecting');
          setTimeout(() => !signal.aborted && this.open(), 250 + Math.random() * 500);
        } else {
          end();
        }
      });
    });
  }

  private tryEvents(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const client = createEventClient({ url: graphqlUrl, retryAttempts: 0 });
      const [probe] = [...this.watches].filter((watch) => !watch.isMinor);
      const isProbe = { open: true };
      const timer = setTimeout(() => fail(), CONNECT_TIMEOUT);
      const fail = () => {
        clearTimeout(timer);
        if (!isProbe.open) return;
        isProbe.open = false;
        client.dispose();
        resolve(false);
      };
      signal.addEventListener('abort', () => {
        fail();
        client.dispose();
      });
      const stream = (watch: Watch, first: () => void, lost: (error: unknown) => void) =>
        client.subscribe(
          { ...watch.operation, variables: watch.variables },
          {
            next: (response) => {
              first();
              this.answer(watch, response);
            },
            error: lost,
            // The stream that tried the way never ends by itself, unless the server stops.
            complete: () => watch === probe && lost(undefined),
          },
        );
      const lost = (error: unknown) => {
        if (signal.aborted) return;
        this.refused(error);
        if (isProbe.open) fail();
        else if (this.attempt?.signal === signal) {
          this.set('connecting');
          setTimeout(() => !signal.aborted && this.open(), 1_000 + Math.random() * 1_000);
        }
      };
      if (!probe) return fail();
      const opened = () => {
        if (!isProbe.open) return;
        clearTimeout(timer);
        isProbe.open = false;
        this.set('events');
        // The probe goes on as it is.
        const stopProbe = probe.stop;
        probe.stop = undefined;
        this.serve((watch) => {
          if (watch === probe && stopProbe) watch.stop = stopProbe;
          else if (watch.isMinor) watch.stop = this.pollOne(watch, signal);
          else watch.stop = stream(watch, () => {}, lost);
        });
        resolve(true);
      };
      probe.stop = stream(probe, opened, lost);
    });
  }

  private pollOne(watch: Watch, signal: AbortSignal): () => void {
    const own = new AbortController();
    const both = AbortSignal.any([signal, own.signal]);
    const tick = () => watch.poll(both).catch(() => {});
    void tick();
    const timer = setInterval(tick, POLL_EVERY);
    signal.addEventListener('abort', () => clearInterval(timer));
    return () => {
      own.abort();
      clearInterval(timer);
    };
  }

  private async poll(signal: AbortSignal): Promise<void> {
    let wasAway = false;
    let upgradeAt = Date.now() + UPGRADE_EVERY;
    this.start = (watch) => void watch.poll(signal).catch(() => {});
    while (!signal.aborted) {
      try {
        await Promise.all([...this.watches].map((watch) => watch.poll(signal)));
        if (signal.aborted) return;
        this.set('polling');
        if (wasAway || Date.now() > upgradeAt) {
          // Something better may work now; until it does, this keeps telling.
          upgradeAt = Date.now() + UPGRADE_EVERY;
          const next = new AbortController();
          if (wasAway) return this.open();
          signal.addEventListener('abort', () => next.abort());
          if (await this.trySocket(signal)) return;
        }
      } catch (error) {
        if (signal.aborted) return;
        const trouble =
          error instanceof RequestError ? error : new RequestError('offline', String(error));
        wasAway = true;
        this.set('offline', trouble);
        if (trouble.trouble === 'signed-out') return;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, wasAway ? 1_500 : POLL_EVERY);
        signal.addEventListener('abort', resolve, { once: true });
      });
    }
  }
}

export const connection = new Connection();
