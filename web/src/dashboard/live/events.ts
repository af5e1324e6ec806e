/** Server-sent events: a stream for each watch that matters, and polling for the others. */
import { createClient } from 'graphql-sse';
import { graphqlUrl } from '../base';
import { pollOne } from './polling';
import { CONNECT_TIMEOUT, type Start, type Watch } from './transport';

/** Whether events get through shows with the first of them, which each subscription sends at once. */
export const startEvents: Start = (listener, watches) => {
  const client = createClient({ url: graphqlUrl, retryAttempts: 0 });
  const [probe] = [...watches].filter((watch) => !watch.isMinor);
  let isOpen = false;
  let isClosed = false;
  const close = () => {
    isClosed = true;
    clearTimeout(timer);
    client.dispose();
  };
  const ended = (error?: unknown) => {
    if (isClosed) return;
    close();
    if (isOpen) listener.lost(error);
    else listener.failed(error);
  };
  const timer = setTimeout(ended, CONNECT_TIMEOUT);
  const stream = (watch: Watch) =>
    client.subscribe(
      { ...watch.operation, variables: watch.variables },
      {
        next: (response) => {
          if (isClosed) return;
          if (!isOpen) {
            clearTimeout(timer);
            isOpen = true;
            listener.opened();
          }
          listener.answered(watch, response);
        },
        error: ended,
        // The stream that tried the way never ends by itself, unless the server stops.
        complete: () => watch === probe && ended(),
      },
    );
  // Without anything to watch there is no way to try.
  if (!probe) queueMicrotask(ended);
  let stopProbe = probe && stream(probe);
  return {
    serve: (watch) => {
      if (watch === probe && stopProbe) {
        // It goes on as it is.
        const stop = stopProbe;
        stopProbe = undefined;
        return stop;
      }
      return watch.isMinor ? pollOne(watch) : stream(watch);
    },
    close,
  };
};
