/** The pages that a visit need not begin with: each is loaded when it is asked for. */
import { lazy } from 'react';

const loadJobPage = () => import('./job/page');

export const JobPage = lazy(async () => ({ default: (await loadJobPage()).JobPage }));

/** Loads the job's page ahead of a click: the pointer is on a link to one. */
export function prefetchJobPage(): void {
  // A failure is for the click itself to meet.
  loadJobPage().catch(() => {});
}

export const OverviewPage = lazy(async () => ({
  default: (await import('./overview/page')).OverviewPage,
}));

/** The charts on the pages of a configuration and an agent. */
export const StatisticsOf = lazy(async () => ({
  default: (await import('./overview/page')).StatisticsOf,
}));

export const FailuresPage = lazy(async () => ({
  default: (await import('./failures/page')).FailuresPage,
}));

export const QueueDialog = lazy(async () => ({
  default: (await import('./jobs/queue-dialog')).QueueDialog,
}));

export const ConfigurationsPage = lazy(async () => ({
  default: (await import('./configurations/list')).ConfigurationsPage,
}));

export const ConfigurationPage = lazy(async () => ({
  default: (await import('./configurations/page')).ConfigurationPage,
}));

export const AgentsPage = lazy(async () => ({
  default: (await import('./agents/list')).AgentsPage,
}));

export const AgentPage = lazy(async () => ({
  default: (await import('./agents/page')).AgentPage,
}));
