/** What the ways to be told of changes have in common. */
import type { GraphQLResponse, Operation } from '../data/client';

/** A connection that is not there by then is not going to be. */
export const CONNECT_TIMEOUT = 4_000;

export interface Watch {
  operation: Operation;
  variables: Record<string, unknown>;
  next(data: unknown): void;
  /** Asks once, in place of a subscription. Fails if the server cannot be reached. */
  poll(signal: AbortSignal): Promise<void>;
  /** Polled in place of a second stream of events. */
  isMinor: boolean;
}

/** What a transport tells. After it was closed it tells nothing. */
export interface Listener {
  opened(): void;
  failed(error?: unknown): void;
  lost(error?: unknown): void;
  answered(watch: Watch, response: GraphQLResponse<unknown>): void;
  /** The server refused one operation, or its user. */
  refused(error: unknown): void;
}

export interface Transport {
  /** Tells of one watch until the result is called. Only once it has opened. */
  serve(watch: Watch): () => void;
  close(): void;
}

/** Begins a way, for what is watched so far. */
export type Start = (listener: Listener, watches: ReadonlySet<Watch>) => Transport;

/** A way whose code is loaded when it is begun. Without its code it does not work. */
export const loaded =
  (load: () => Promise<Start>): Start =>
  (listener, watches) => {
    let transport: Transport | undefined;
    let isClosed = false;
    load().then(
      (start) => {
        if (!isClosed) transport = start(listener, watches);
      },
      (error) => isClosed || listener.failed(error),
    );
    return {
      serve: (watch) => transport?.serve(watch) ?? (() => {}),
      close: () => {
        isClosed = true;
        transport?.close();
      },
    };
  };
