import type { Named } from '../data/hooks';
import { formatLength } from '../format/length';
import { full } from '../format/time';
import type { t } from '../i18n';
import type { Settings } from '../settings/settings';
import type { Filter } from './filter';

/** The names of what a filter has the ids of, as far as they are known. */
export interface Names {
  configurations: readonly Named[] | undefined;
  agents: readonly Named[] | undefined;
  /** The title of the failure group. */
  failureGroup: string | undefined;
}

export type Scope = Omit<Parameters<typeof t.actions.scope>[0], 'states'>;

/** What narrows the list down besides states, in words that `scope` puts together. */
export function describe(
  filter: Filter,
  settings: Settings,
  { configurations, agents, failureGroup }: Names,
): Scope {
  const { search, message, processing, time, range, from, to, minDuration, maxDuration } = filter;
  const named = (ids: readonly string[], all: readonly Named[] | undefined) =>
    ids.map((id) => all?.find((each) => each.id === id)?.name ?? id);
  const length = (ms: number | undefined) => (ms === undefined ? undefined : formatLength(ms));
  return {
    configurations: named(filter.configurationIds, configurations),
    agents: named(filter.agentIds, agents),
    providers: filter.providers,
    priority: filter.priority,
    search: search || undefined,
    message: message || undefined,
    processing,
    failureGroup: filter.failureGroupId && (failureGroup ?? filter.failureGroupId),
    time: time ?? 'created',
    range,
    from: from && full(from, settings),
    to: to && full(to, settings),
    minDuration: length(minDuration),
    maxDuration: length(maxDuration),
  };
}
