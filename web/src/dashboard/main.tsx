import './styles/index.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { App } from './app';
import { prefix } from './base';
import { RequestError } from './data/client';
import { setLanguage } from './i18n';
import { connection } from './live/connection';
import { applyTheme, getSettings } from './settings/settings';

applyTheme();
// Without the texts of another language the page is English.
await setLanguage(getSettings().language).catch(() => {});

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      gcTime: 120_000,
      networkMode: 'always',
      // Held still means held still.
      refetchOnWindowFocus: () => connection.getMode() !== 'paused',
      // What the server refused it will refuse again; what it did not answer, perhaps not.
      retry: (failures, error) =>
        failures < 2 && error instanceof RequestError && error.trouble === 'offline',
      // A page whose data could not be read tries again until it can.
      refetchInterval: (query) => (isAway(query.state.error) ? 3_000 : false),
    },
  },
});

function isAway(error: unknown): boolean {
  return error instanceof RequestError && error.trouble === 'offline';
}

const container = document.getElementById('dashboard');
if (!container) throw new Error('The page has no #dashboard element.');

createRoot(container).render(
  <QueryClientProvider client={client}>
    <Router base={prefix}>
      <App />
    </Router>
  </QueryClientProvider>,
);
