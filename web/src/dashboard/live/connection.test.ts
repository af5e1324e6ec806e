import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RequestError } from '../data/client';
import { jobCountsLive } from '../data/documents';
import { Connection } from './connection';
import { type Way, ways } from './machine';
import type { Listener, Start, Watch } from './transport';

interface Begun {
  way: Way;
  listener: Listener;
  served: Watch[];
  isClosed: boolean;
}

/** A connection whose transports do what the test says, and what it began. */
function connect() {
  const begun: Begun[] = [];
  const start =
    (way: Way): Start =>
    (listener) => {
      const entry: Begun = { way, listener, served: [], isClosed: false };
      begun.push(entry);
      return {
        serve: (watch) => {
          entry.served.push(watch);
          return () => entry.served.splice(entry.served.indexOf(watch), 1);
        },
        close: () => {
          entry.isClosed = true;
        },
      };
    };
  const starts = Object.fromEntries(ways.map((way) => [way, start(way)])) as Record<Way, Start>;
  const connection = new Connection(starts);
  const told: string[] = [];
  connection.subscribe(() => told.push(connection.getMode()));
  const latest = () => {
    const last = begun.at(-1);
    if (!last) throw new Error('nothing was begun');
    return last;
  };
  return { connection, begun, told, latest };
}

const watching = (next: (data: unknown) => void = () => {}) => ({
  document: jobCountsLive,
  variables: { configurationId: null },
  next,
  poll: async () => {},
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('serves each watch by the way that opened, and later ones too', () => {
  const { connection, latest, told } = connect();
  connection.watch(watching());
  connection.open();
  expect(latest().served).toEqual([]);
  latest().listener.failed();
  expect(latest().way).toBe('events');
  latest().listener.opened();
  const stop = connection.watch(watching());
  expect(latest().served.length).toBe(2);
  stop();
  expect(latest().served.length).toBe(1);
  expect(told).toEqual(['events']);
});

it('closes a way before it begins the next, and reconnects after a wait', () => {
  const { connection, begun, latest } = connect();
  connection.open();
  latest().listener.opened();
  latest().listener.lost();
  expect(begun.map(({ isClosed }) => isClosed)).toEqual([true]);
  expect(connection.getMode()).toBe('connecting');
  vi.advanceTimersByTime(1_000);
  expect(begun.map(({ way, isClosed }) => [way, isClosed])).toEqual([
    ['socket', true],
    ['socket', false],
  ]);
});

it('takes over from polling once the socket works, and never has both', () => {
  const { connection, begun, latest } = connect();
  connection.watch(watching());
  connection.open();
  for (const way of ['socket', 'events'] as const) {
    expect(latest().way).toBe(way);
    latest().listener.failed();
  }
  latest().listener.opened();
  const polling = latest();
  expect([connection.getMode(), polling.served.length]).toEqual(['polling', 1]);
  vi.advanceTimersByTime(30_000);
  expect(latest().way).toBe('socket');
  expect(polling.isClosed).toBe(false);
  latest().listener.failed();
  expect([connection.getMode(), latest().isClosed]).toEqual(['polling', true]);
  expect(polling.served.length).toBe(1);
  vi.advanceTimersByTime(30_000);
  latest().listener.opened();
  expect(connection.getMode()).toBe('socket');
  expect([polling.isClosed, latest().served.length]).toEqual([true, 1]);
  expect(begun.filter(({ isClosed }) => !isClosed).length).toBe(1);
});

it('says why the server is away, and forgets it once it is back', () => {
  const { connection, latest } = connect();
  connection.open();
  latest().listener.failed();
  latest().listener.failed();
  latest().listener.failed(new RequestError('offline', 'no response'));
  expect([connection.getMode(), connection.getTrouble()?.message]).toEqual([
    'offline',
    'no response',
  ]);
  latest().listener.opened();
  expect([latest().way, connection.getMode()]).toEqual(['socket', 'offline']);
  latest().listener.opened();
  expect([connection.getMode(), connection.getTrouble()]).toEqual(['socket', undefined]);
});

it('ends when the session has ended, by whatever way that is told', () => {
  const signedOut = new RequestError('signed-out', 'You are not signed in.');
  const ways: ((listener: Listener, watch: Watch) => void)[] = [
    (listener) => listener.refused(signedOut),
    (listener) => listener.lost(signedOut),
    (listener, watch) =>
      listener.answered(watch, {
        errors: [{ message: 'no session', extensions: { code: 'UNAUTHENTICATED' } }],
      }),
  ];
  for (const tell of ways) {
    const { connection, begun, latest } = connect();
    connection.watch(watching());
    connection.open();
    latest().listener.opened();
    tell(latest().listener, latest().served[0] as Watch);
    vi.advanceTimersByTime(60_000);
    expect(connection.getMode()).toBe('offline');
    expect(connection.getTrouble()?.trouble).toBe('signed-out');
    expect(begun.every(({ isClosed }) => isClosed)).toBe(true);
  }
});

it('does not tell a watch that has ended', () => {
  const { connection, latest } = connect();
  const seen: unknown[] = [];
  const stop = connection.watch(watching((data) => seen.push(data)));
  connection.open();
  latest().listener.opened();
  const [watch] = latest().served as [Watch];
  latest().listener.answered(watch, { data: { jobCounts: 1 } });
  stop();
  latest().listener.answered(watch, { data: { jobCounts: 2 } });
  expect(seen).toEqual([{ jobCounts: 1 }]);
});

it('a pause closes it, and going on begins anew', () => {
  const { connection, begun, latest } = connect();
  connection.open();
  latest().listener.opened();
  connection.pause(true);
  connection.open();
  expect([connection.getMode(), begun.length, latest().isClosed]).toEqual(['paused', 1, true]);
  connection.pause(false);
  latest().listener.opened();
  expect([connection.getMode(), begun.length]).toEqual(['socket', 2]);
});
