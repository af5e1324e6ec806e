import { describe, expect, it } from 'vitest';
import { closed, type Event, modeOf, next, type State, type Way, ways } from './machine';

const open: Event = { type: 'open' };
const opened = (way: Way): Event => ({ type: 'opened', way });
const failed = (way: Way): Event => ({ type: 'failed', way });
const lost = (way: Way): Event => ({ type: 'lost', way });

const run = (...events: Event[]) => events.reduce(next, closed);
const modes = (...events: Event[]) => {
  let state: State = closed;
  return events.map((event) => {
    state = next(state, event);
    return modeOf(state);
  });
};

const polling = [open, failed('socket'), failed('events'), opened('polling')];
const away = [open, failed('socket'), failed('events'), failed('polling')];

describe('the connection', () => {
  it('goes down the ways until one works', () => {
    expect(modes(open, opened('socket'))).toEqual(['connecting', 'socket']);
    expect(modes(open, failed('socket'), opened('events')).at(-1)).toBe('events');
    expect(modes(...polling)).toEqual(['connecting', 'connecting', 'connecting', 'polling']);
    expect(modes(...away).at(-1)).toBe('offline');
  });

  it('begins anew after a loss, from the best way', () => {
    for (const way of ['socket', 'events'] as const) {
      const before = way === 'socket' ? [open] : [open, failed('socket')];
      const waiting = run(...before, opened(way), lost(way));
      expect(waiting).toEqual({ name: 'waiting', lost: way });
      expect(modeOf(waiting)).toBe('connecting');
      expect(next(waiting, { type: 'waited' })).toEqual({
        name: 'trying',
        way: 'socket',
        isAway: false,
      });
    }
  });

  it('is offline until something works again, without a flicker', () => {
    expect(modes(...away, opened('polling'), failed('socket'), opened('events')).slice(3)).toEqual([
      'offline',
      'offline',
      'offline',
      'events',
    ]);
    expect(modes(...away, failed('polling'), open, opened('socket')).slice(3)).toEqual([
      'offline',
      'offline',
      'offline',
      'socket',
    ]);
    expect(modes(...polling, failed('polling')).at(-1)).toBe('offline');
  });

  it('tries the socket beside polling', () => {
    const trying = run(...polling, { type: 'upgrade' });
    expect(trying).toEqual({ name: 'serving', way: 'polling', isUpgrading: true });
    expect(modeOf(trying)).toBe('polling');
    // Polling goes on meanwhile.
    expect(next(trying, opened('polling'))).toBe(trying);
    expect(next(trying, failed('socket'))).toEqual(run(...polling));
    expect(modeOf(next(trying, opened('socket')))).toBe('socket');
    expect(modeOf(next(trying, failed('polling')))).toBe('offline');
    // Only polling has something better.
    const socket = run(open, opened('socket'));
    expect(next(socket, { type: 'upgrade' })).toBe(socket);
  });

  it('stands still while it is paused, whatever happens', () => {
    const paused = run(open, opened('socket'), { type: 'pause' });
    const others: Event[] = [
      open,
      { type: 'hide' },
      { type: 'show' },
      { type: 'waited' },
      { type: 'upgrade' },
      { type: 'sign-out' },
      ...ways.flatMap((way) => [opened(way), failed(way), lost(way)]),
    ];
    for (const event of others) expect([event, next(paused, event)]).toEqual([event, paused]);
    expect(next(paused, { type: 'resume' })).toEqual({
      name: 'trying',
      way: 'socket',
      isAway: false,
    });
    expect(next(closed, { type: 'resume' })).toBe(closed);
  });

  it('closes what hidden tabs may not have, and comes back with the tab', () => {
    const socket = run(open, opened('socket'));
    expect(next(socket, { type: 'hide' })).toBe(socket);
    for (const events of [[open, failed('socket'), opened('events')], polling, away]) {
      const hidden = run(...events, { type: 'hide' });
      expect(hidden).toEqual(closed);
      expect(next(hidden, { type: 'show' }).name).toBe('trying');
    }
    expect(next(socket, { type: 'show' })).toBe(socket);
  });

  it('ends when its user is signed out, until the user is back', () => {
    const ended = run(open, opened('socket'), { type: 'sign-out' });
    expect(modeOf(ended)).toBe('offline');
    for (const way of ways) {
      for (const event of [opened(way), failed(way), lost(way)]) {
        expect(next(ended, event)).toBe(ended);
      }
    }
    expect(next(ended, { type: 'show' }).name).toBe('trying');
    expect(next(ended, open).name).toBe('trying');
  });

  it('takes no event of another way for its own', () => {
    const trying = run(open, failed('socket'));
    expect(next(trying, failed('socket'))).toBe(trying);
    expect(next(trying, opened('socket'))).toBe(trying);
    const serving = run(open, opened('socket'));
    for (const way of ['events', 'polling'] as const) {
      for (const event of [opened(way), failed(way), lost(way)]) {
        expect(next(serving, event)).toBe(serving);
      }
    }
  });
});
