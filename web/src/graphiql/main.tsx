import './style.css';
import './workers';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { useNamesOfHistory, useSystemTheme, useWrappedLines } from './editors';
import { examples, write } from './examples.js';
import { EXAMPLES } from './examples-plugin';
import { endpoint, noteAttempt } from './facts';
import { CopyLink, linked } from './link';
import { isNarrow } from './narrow';
import { useListOfTabs, useOperationOfTab } from './tabs';

const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

// With a subscription URL, rather than a client of our own, the toolkit loads graphql-ws on the
// first subscription, and passes the headers editor's content as the connection's parameters.
const send = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

const fetcher: Fetcher = async (parameters, options) => {
  const response = await send(parameters, options);
  noteAttempt(response);
  return response as Awaited<ReturnType<typeof send>> & object;
};

const link = linked();
const start = examples.slice(0, 1).map((example) => write(example));
const plugins = [EXAMPLES, HISTORY_PLUGIN];

function Adjustments() {
  useListOfTabs();
  useWrappedLines();
  useSystemTheme();
  useNamesOfHistory();
  useOperationOfTab(link?.operationName ?? '');
  return null;
}

const container = document.getElementById('graphiql');
if (!container) throw new Error('The page has no #graphiql element.');

createRoot(container).render(
  // The variables editor is open from the start: half of the examples have an id there.
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    {...(isNarrow() ? {} : { visiblePlugin: EXAMPLES })}
    defaultEditorToolsVisibility={isNarrow() ? false : 'variables'}
    {...(link
      ? { initialQuery: link.query, initialVariables: link.variables }
      : { defaultTabs: start })}
  >
    <GraphiQL.Logo> </GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, merge, copy }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <CopyLink />
        </>
      )}
    </GraphiQL.Toolbar>
    <Adjustments />
  </GraphiQL>,
);
