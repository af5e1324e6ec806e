/** GraphQL over a WebSocket. */
import { createClient } from 'graphql-ws';
import { socketUrl } from '../base';
import { RequestError } from '../data/client';
import { t } from '../i18n';
import { CONNECT_TIMEOUT, type Start } from './transport';

/** The codes by which the server closes the socket of a user whom it does not know. */
const SIGNED_OUT: readonly unknown[] = [4401, 4403];

export const startSocket: Start = (listener) => {
  const client = createClient({
    url: socketUrl,
    lazy: false,
    retryAttempts: 0,
    keepAlive: 12_000,
    connectionAckWaitTimeout: CONNECT_TIMEOUT,
    // What goes wrong is told by `closed`.
    onNonLazyError: () => {},
  });
  let isOpen = false;
  let isClosed = false;
  const close = () => {
    isClosed = true;
    clearTimeout(timer);
    client.terminate();
    void client.dispose();
  };
  const fail = () => {
    if (isClosed) return;
    close();
    listener.failed();
  };
  const timer = setTimeout(fail, CONNECT_TIMEOUT + 500);
  client.on('connected', () => {
    if (isClosed) return;
    clearTimeout(timer);
    isOpen = true;
    listener.opened();
  });
  client.on('closed', (event) => {
    if (isClosed) return;
    if (SIGNED_OUT.includes((event as CloseEvent).code)) {
      close();
      listener.refused(new RequestError('signed-out', t.errors.notSignedIn, 'UNAUTHENTICATED'));
    } else if (isOpen) {
      close();
      listener.lost();
    } else {
      fail();
    }
  });
  return {
    serve: (watch) =>
      client.subscribe(
        { ...watch.operation, variables: watch.variables },
        {
          next: (response) => listener.answered(watch, response),
          error: (error) => isClosed || listener.refused(error),
          complete: () => {},
        },
      ),
    close,
  };
};
