import { useState } from 'react';
import { useAgentNames, useConfigurationNames, useFailureGroupTitle } from '../../data/hooks';
import { t } from '../../i18n';
import { icons } from '../../ui/icons';
import { Picker } from '../../ui/picker';
import { useTyped } from '../../ui/use-typed';
import type { Fixed } from '../columns';
import { type Filter, isNarrowed, TEXT_LENGTH, unfiltered } from '../filter';
import { Chips, useChips } from './chips';
import { MoreFilters } from './more-filters';
import { RangeMenu } from './range-menu';
import { StatesMenu } from './states-menu';

interface Props {
  filter: Filter;
  change(changes: Partial<Filter>, replace?: boolean): void;
  /** What this page is about, and so cannot be chosen. */
  fixed: Fixed | undefined;
}

export function Filters({ filter, change, fixed }: Props) {
  const [isAsked, setAsked] = useState(false);
  const configurations = useConfigurationNames(isAsked || filter.configurationIds.length > 0);
  const agents = useAgentNames(isAsked || filter.agentIds.length > 0);
  const failureGroup = useFailureGroupTitle(filter.failureGroupId);
  const load = () => setAsked(true);
  // What the page is about is no filter that could be cleared.
  const own: Filter = {
    ...filter,
    ...(fixed === 'configuration' && { configurationIds: [] }),
    ...(fixed === 'agent' && { agentIds: [] }),
  };
  const clear = () => change(unfiltered);
  const chips = useChips(own, {
    configurations: configurations.data,
    agents: agents.data,
    failureGroup,
  });
  const providers = configurations.data
    ?.map(({ hint }) => hint)
    .filter((provider) => provider !== undefined);
  return (
    <search aria-label={t.filters.title}>
      <div className="filters">
        <SearchField text={filter.search} change={(search) => change({ search }, true)} />
        <StatesMenu
          filter={filter}
          change={(states) => change({ ...states, isScheduled: false })}
        />
        {fixed !== 'configuration' && (
          <Picker
            label={t.filters.configuration}
            find={t.filters.findConfiguration}
            options={configurations.data}
            chosen={filter.configurationIds}
            choose={(configurationIds) => change({ configurationIds })}
            load={load}
            isLoading={configurations.isPending}
          />
        )}
        {fixed !== 'agent' && (
          <Picker
            label={t.filters.agent}
            find={t.filters.findAgent}
            options={agents.data}
            chosen={filter.agentIds}
            choose={(agentIds) => change({ agentIds })}
            load={load}
            isLoading={agents.isPending}
          />
        )}
        <RangeMenu filter={filter} change={change} />
        <MoreFilters filter={filter} change={change} providers={providers} load={load} />
        {(isNarrowed(own) || own.states.length > 0 || own.isScheduled) && (
          <button type="button" className="button is-quiet" onClick={clear}>
            {t.filters.clear}
          </button>
        )}
      </div>
      <Chips chips={chips} change={change} clear={clear} />
    </search>
  );
}

function SearchField({ text, change }: { text: string; change(text: string): void }) {
  const [typed, setTyped] = useTyped(text, change);
  return (
    <label className="search">
      <icons.search />
      <span className="hidden">{t.filters.search}</span>
      <input
        className="input"
        type="search"
        data-shortcut="search"
        placeholder={t.filters.searchHint}
        maxLength={TEXT_LENGTH}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <kbd title={t.filters.searchKey}>/</kbd>
    </label>
  );
}
