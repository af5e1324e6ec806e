import './style.css';
import './workers';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { examples } from './examples.js';

const endpoint = new URL('graphql', location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

// With a subscription URL, rather than a client of our own, the toolkit loads graphql-ws on the
// first subscription, and passes the headers editor's content as the connection's parameters.
const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
});

const defaultTabs = examples.map(({ query, variables }) => ({
  query,
  variables: variables ? JSON.stringify(variables, null, 2) : null,
}));

const container = document.getElementById('graphiql');
if (!container) throw new Error('The page has no #graphiql element.');

createRoot(container).render(
  // The variables editor is open from the start: half of the examples need an id typed there.
  <GraphiQL fetcher={fetcher} defaultTabs={defaultTabs} defaultEditorToolsVisibility="variables">
    <GraphiQL.Logo>agent-jobs</GraphiQL.Logo>
  </GraphiQL>,
);
