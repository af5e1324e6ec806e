/** Questions every few seconds, where no connection gets through. */
import type { Start, Watch } from './transport';

const EVERY = 3_000;
/** How soon to ask again after no answer. */
const RETRY_AFTER = 1_500;

/** Asks for what one watch tells, until the result is called. */
export function pollOne(watch: Watch): () => void {
  const control = new AbortController();
  const tick = () => watch.poll(control.signal).catch(() => {});
  void tick();
  const timer = setInterval(tick, EVERY);
  return () => {
    control.abort();
    clearInterval(timer);
  };
}

/** Tells after each round of questions whether they were answered: by `opened`, or by `failed`. */
export const startPolling: Start = (listener, watches) => {
  const control = new AbortController();
  const { signal } = control;
  const asked = new Set(watches);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const round = async () => {
    let wait = EVERY;
    try {
      await Promise.all([...watches].map((watch) => watch.poll(signal)));
      if (!signal.aborted) listener.opened();
    } catch (error) {
      wait = RETRY_AFTER;
      if (!signal.aborted) listener.failed(error);
    }
    if (!signal.aborted) timer = setTimeout(round, wait);
  };
  void round();
  return {
    // A watch that came after the first round is asked for at once; each round has all.
    serve: (watch) => {
      if (!asked.has(watch)) void watch.poll(signal).catch(() => {});
      return () => {};
    },
    close: () => {
      control.abort();
      clearTimeout(timer);
    },
  };
};
