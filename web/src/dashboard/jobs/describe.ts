import type { Named } from '../data/hooks';
import { full } from '../format/time';
import type { t } from '../i18n';
import type { Settings } from '../settings/settings';
import type { Filter } from './filter';

export type Scope = Omit<Parameters<typeof t.actions.scope>[0], 'states'>;

/** What narrows the list down besides states, in words that `scope` puts together. */
export function describe(
  filter: Filter,
  settings: Settings,
  configurations: readonly Named[] | undefined,
  agents: readonly Named[] | undefined,
): Scope {
  const { configurationId, agentId, search, processing, range, from, to } = filter;
  const name = (id: string, all: readonly Named[] | undefined) =>
    all?.find((each) => each.id === id)?.name ?? id;
  return {
    configuration: configurationId && name(configurationId, configurations),
    agent: agentId && name(agentId, agents),
    search: search || undefined,
    processing,
    range,
    from: from && full(from, settings),
    to: to && full(to, settings),
  };
}
