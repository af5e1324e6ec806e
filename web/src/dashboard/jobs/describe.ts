import type { Named } from '../data/hooks';
import { infoOf } from '../data/states';
import { full } from '../format/time';
import type { Settings } from '../settings/settings';
import { type Filter, ranges } from './filter';

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
  const parts = [
    isScheduled
      ? 'scheduled jobs'
      : states.length > 0
        ? `jobs that are ${states.map((state) => infoOf(state).label.toLowerCase()).join(' or ')}`
        : 'all jobs',
    configurationId && `of ${name(configurationId, configurations)}`,
    agentId && `run by ${name(agentId, agents)}`,
    search && `with “${search}” in the name or at the start of the id`,
    range && `created: ${ranges[range].toLowerCase()}`,
    from && `created at ${full(from, settings)} or later`,
    to && `created before ${full(to, settings)}`,
  ];
  return parts.filter(Boolean).join(', ');
}
