import type { Named } from '../data/hooks';
import { full } from '../format/time';
import { t } from '../i18n';
import type { Settings } from '../settings/settings';
import type { Filter } from './filter';

/** What the list shows, in words, for somebody who is about to change all of it. */
export function describe(
  filter: Filter,
  settings: Settings,
  configurations: readonly Named[] | undefined,
  agents: readonly Named[] | undefined,
): string {
  const { states, isScheduled, configurationId, agentId, search, range, from, to } = filter;
  const name = (id: string, all: readonly Named[] | undefined) =>
    all?.find((each) => each.id === id)?.name ?? id;
  return t.actions.scope({
    states: isScheduled ? ['SCHEDULED'] : states,
    configuration: configurationId && name(configurationId, configurations),
    agent: agentId && name(agentId, agents),
    search: search || undefined,
    range,
    from: from && full(from, settings),
    to: to && full(to, settings),
  });
}
