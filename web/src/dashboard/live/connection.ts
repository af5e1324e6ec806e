/**
 * The page's one connection for what changes: GraphQL over a WebSocket; where that does not get
 * through, server-sent events; where these do not either, a question every few seconds.
 *
 * `machine.ts` decides what comes next; this starts and ends the transports accordingly.
 */
import type { TadaDocumentNode } from 'gql.tada';
import { dataOf, failureOf, operationOf, RequestError } from '../data/client';
import type { GraphQLError } from '../data/errors';
import { closed, type Event, type Mode, modeOf, next, type State, type Way } from './machine';
import { startPolling } from './polling';
import { startSocket } from './socket';
import { type Listener, loaded, type Start, type Transport, type Watch } from './transport';

export type { Mode };

/** How often something better is tried while only polling works. */
const UPGRADE_EVERY = 30_000;
/** Browsers allow six connections to a host; hidden tabs close theirs. */
const HIDDEN_AFTER = 30_000;

const starts: Record<Way, Start> = {
  socket: startSocket,
  // Few need it.
  events: loaded(async () => (await import('./events')).startEvents),
  polling: startPolling,
};

/** How long to wait after a loss. Not all pages of a server that restarts come at once. */
const waitAfter = (lost: Way): number =>
  lost === 'socket' ? 250 + Math.random() * 500 : 1_000 + Math.random() * 1_000;

/** An error as the page shows it. GraphQL's come as lists. */
function faultOf(error: unknown): RequestError | undefined {
  if (error === undefined || error instanceof RequestError) return error;
  if (Array.isArray(error)) return failureOf(error as GraphQLError[]);
  return new RequestError('offline', String(error));
}

export class Connection {
  private state: State = closed;
  private trouble: RequestError | undefined;
  private watches = new Set<Watch>();
  /** How to end what the transport tells of each watch. */
  private stops = new Map<Watch, () => void>();
  private listeners = new Set<() => void>();
  private transport: Transport | undefined;
  /** The socket that is tried beside polling. */
  private upgrade: Transport | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly ways: Record<Way, Start> = starts) {}

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
    if (this.state.name === 'serving') this.serve(entry);
    return () => {
      this.watches.delete(entry);
      this.stopWatch(entry);
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getMode = (): Mode => modeOf(this.state);
  getTrouble = (): RequestError | undefined => this.trouble;

  /** Begins, and again from the best way. */
  open(): void {
    this.dispatch({ type: 'open' });
  }

  close(): void {
    this.dispatch({ type: 'close' });
  }

  /** Whether nothing is to change for now. */
  pause(isPaused: boolean): void {
    this.dispatch({ type: isPaused ? 'pause' : 'resume' });
  }

  /** Follows the browser: a tab that comes to the front, a network that is back. */
  follow(): () => void {
    let hidden: ReturnType<typeof setTimeout> | undefined;
    const visibility = () => {
      clearTimeout(hidden);
      if (document.visibilityState === 'hidden') {
        hidden = setTimeout(() => this.dispatch({ type: 'hide' }), HIDDEN_AFTER);
      } else {
        this.dispatch({ type: 'show' });
      }
    };
    const online = () => this.open();
    document.addEventListener('visibilitychange', visibility);
    window.addEventListener('online', online);
    return () => {
      clearTimeout(hidden);
      document.removeEventListener('visibilitychange', visibility);
      window.removeEventListener('online', online);
    };
  }

  private dispatch(event: Event, fault?: RequestError): void {
    const [before, mode, trouble] = [this.state, this.getMode(), this.trouble];
    this.state = next(before, event);
    if (fault) this.trouble = fault;
    if (this.getMode() !== 'offline') this.trouble = undefined;
    if (this.state !== before) this.enter(before, this.state);
    if (this.getMode() === mode && this.trouble?.message === trouble?.message) return;
    for (const listener of this.listeners) listener();
  }

  private enter(before: State, state: State): void {
    clearTimeout(this.timer);
    switch (state.name) {
      case 'trying':
        this.end();
        this.transport = this.begin(state.way);
        break;
      case 'serving':
        this.enterServing(before, state);
        break;
      case 'away':
        // It is polling that goes on asking.
        this.endUpgrade();
        break;
      case 'waiting':
        this.end();
        this.timer = setTimeout(() => this.dispatch({ type: 'waited' }), waitAfter(state.lost));
        break;
      default:
        this.end();
    }
  }

  private enterServing(before: State, state: State & { name: 'serving' }): void {
    if (state.isUpgrading) {
      this.upgrade = this.begin('socket');
      return;
    }
    const { upgrade } = this;
    if (state.way === 'socket' && upgrade) {
      this.upgrade = undefined;
      this.end();
      this.transport = upgrade;
    }
    this.endUpgrade();
    if (before.name !== 'serving' || before.way !== state.way) {
      for (const watch of this.watches) this.serve(watch);
    }
    if (state.way === 'polling') {
      this.timer = setTimeout(() => this.dispatch({ type: 'upgrade' }), UPGRADE_EVERY);
    }
  }

  private begin(way: Way): Transport {
    const tell = (event: Event, error?: unknown) => {
      const fault = faultOf(error);
      this.dispatch(fault?.trouble === 'signed-out' ? { type: 'sign-out' } : event, fault);
    };
    const listener: Listener = {
      opened: () => tell({ type: 'opened', way }),
      failed: (error) => tell({ type: 'failed', way }, error),
      lost: (error) => tell({ type: 'lost', way }, error),
      answered: (watch, response) => {
        if (!this.watches.has(watch)) return;
        let data: unknown;
        try {
          data = dataOf(response);
        } catch (error) {
          listener.refused(error);
          return;
        }
        watch.next(data);
      },
      // What is refused for another reason is told by the page's own requests.
      refused: (error) => {
        const fault = faultOf(error);
        if (fault?.trouble === 'signed-out') this.dispatch({ type: 'sign-out' }, fault);
      },
    };
    return this.ways[way](listener, this.watches);
  }

  private serve(watch: Watch): void {
    const stop = this.transport?.serve(watch);
    if (stop) this.stops.set(watch, stop);
  }

  private stopWatch(watch: Watch): void {
    this.stops.get(watch)?.();
    this.stops.delete(watch);
  }

  private end(): void {
    for (const watch of this.watches) this.stopWatch(watch);
    this.transport?.close();
    this.transport = undefined;
    this.endUpgrade();
  }

  private endUpgrade(): void {
    this.upgrade?.close();
    this.upgrade = undefined;
  }
}

export const connection = new Connection();
