/**
 * How the page's connection goes on, as a pure function: which way is tried, what serves, and what
 * comes next when something opens, fails or is lost.
 */

/** The ways to be told of changes, the best first. */
export const ways = ['socket', 'events', 'polling'] as const;
export type Way = (typeof ways)[number];

export type State =
  /** Not begun, or closed while nothing is watched. */
  | { name: 'closed' }
  /** The user wants the page still. */
  | { name: 'paused' }
  /** Begins one way. Without an answer before, the server still counts as away. */
  | { name: 'trying'; way: Way; isAway: boolean }
  /** One way works. While it is polling, the socket is tried beside it now and then. */
  | { name: 'serving'; way: Way; isUpgrading: boolean }
  /** What served is lost; it begins anew in a moment. */
  | { name: 'waiting'; lost: Way }
  /** Even questions are not answered. They go on. */
  | { name: 'away' }
  /** The server knows its user no more. */
  | { name: 'signed-out' };

export type Event =
  /** Begin, again from the best way: the network is back, or the page is new. */
  | { type: 'open' }
  | { type: 'close' }
  | { type: 'pause' }
  | { type: 'resume' }
  /** The tab has been hidden for long. */
  | { type: 'hide' }
  | { type: 'show' }
  /** A way works, or a question was answered. */
  | { type: 'opened'; way: Way }
  /** A way does not work, or a question was not answered. */
  | { type: 'failed'; way: Way }
  /** What worked has ended. */
  | { type: 'lost'; way: Way }
  /** The wait after a loss has ended. */
  | { type: 'waited' }
  /** It is time to try something better than polling. */
  | { type: 'upgrade' }
  | { type: 'sign-out' };

export const closed: State = { name: 'closed' };

const start = (isAway = false): State => ({ name: 'trying', way: 'socket', isAway });
const serving = (way: Way): State => ({ name: 'serving', way, isUpgrading: false });

/** The state after an event. An event that is about another state than the present changes nothing. */
export function next(state: State, event: Event): State {
  switch (event.type) {
    case 'open':
      return state.name === 'paused' ? state : start(isAway(state));
    case 'close':
      return closed;
    case 'pause':
      return { name: 'paused' };
    case 'resume':
      return state.name === 'paused' ? start() : state;
    case 'hide':
      // A socket costs nothing meanwhile; browsers allow few of the other connections.
      return state.name === 'away' || (state.name === 'serving' && state.way !== 'socket')
        ? closed
        : state;
    case 'show':
      // The user may have signed in on another tab.
      return state.name === 'closed' || state.name === 'signed-out' ? start() : state;
    case 'opened':
      return opened(state, event.way);
    case 'failed':
      return failed(state, event.way);
    case 'lost':
      return state.name === 'serving' && state.way === event.way
        ? { name: 'waiting', lost: event.way }
        : state;
    case 'waited':
      return state.name === 'waiting' ? start() : state;
    case 'upgrade':
      return state.name === 'serving' && state.way === 'polling'
        ? { ...state, isUpgrading: true }
        : state;
    case 'sign-out':
      return state.name === 'paused' ? state : { name: 'signed-out' };
  }
}

function opened(state: State, way: Way): State {
  if (state.name === 'trying' && state.way === way) return serving(way);
  if (state.name === 'serving' && state.isUpgrading && way === 'socket') return serving(way);
  // The server answers again, and something better may work, too.
  if (state.name === 'away' && way === 'polling') return start(true);
  return state;
}

function failed(state: State, way: Way): State {
  if (state.name === 'trying' && state.way === way) {
    const other = ways[ways.indexOf(way) + 1];
    return other ? { ...state, way: other } : { name: 'away' };
  }
  if (state.name === 'serving' && state.way === 'polling') {
    if (way === 'polling') return { name: 'away' };
    if (way === 'socket') return serving('polling');
  }
  return state;
}

const isAway = (state: State): boolean =>
  state.name === 'away' || (state.name === 'trying' && state.isAway);

/** What the page shows of it. */
export type Mode = 'connecting' | Way | 'paused' | 'offline';

export function modeOf(state: State): Mode {
  switch (state.name) {
    case 'serving':
      return state.way;
    case 'paused':
      return 'paused';
    case 'away':
    case 'signed-out':
      return 'offline';
    case 'trying':
      return state.isAway ? 'offline' : 'connecting';
    default:
      return 'connecting';
  }
}
