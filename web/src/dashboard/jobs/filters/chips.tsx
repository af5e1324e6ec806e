import { lastDigits, type Named, nameOf } from '../../data/hooks';
import { textOf } from '../../data/states';
import { formatLength } from '../../format/length';
import { t } from '../../i18n';
import { useSettings } from '../../settings/settings';
import { icons } from '../../ui/icons';
import type { Names } from '../describe';
import { type Filter, viewOf } from '../filter';
import { noRange, rangeText } from './range-menu';

interface Chip {
  key: string;
  text: string;
  /** Whether the bar's menus say the same, where they are wide enough. */
  isInBar: boolean;
  removed: Partial<Filter>;
}

export const nameIn = (id: string, all: readonly Named[] | undefined): string =>
  all?.find((each) => each.id === id)?.name ?? nameOf({ id, name: null });

/** The filters in force, each with how to take it away. */
export function useChips(filter: Filter, { configurations, agents, failureGroup }: Names): Chip[] {
  const settings = useSettings();
  const chips: Chip[] = [];
  const add = (key: string, text: string, removed: Partial<Filter>, isInBar = false) =>
    chips.push({ key, text, isInBar, removed });
  /** One chip for each value of a list. */
  const each = <K extends keyof Filter, V extends Filter[K] & readonly string[]>(
    key: K,
    values: V,
    textOf: (value: V[number]) => string,
    isInBar: boolean,
  ) => {
    for (const value of values) {
      const others = values.filter((other) => other !== value);
      add(`${key} ${value}`, textOf(value), { [key]: others }, isInBar);
    }
  };
  // The states of a view are said by its tab.
  const { states, excludedStates, configurationIds, agentIds } = filter;
  const isOneState = states.length + excludedStates.length === 1;
  if (!viewOf(filter)) each('states', states, (state) => textOf(state).label, isOneState);
  each('excludedStates', excludedStates, (state) => t.filters.not(textOf(state).label), isOneState);
  const isOneConfiguration = configurationIds.length === 1;
  each(
    'configurationIds',
    configurationIds,
    (id) => nameIn(id, configurations),
    isOneConfiguration,
  );
  each('agentIds', agentIds, (id) => nameIn(id, agents), agentIds.length === 1);
  if (filter.search) add('search', t.filters.quoted(filter.search), { search: '' }, true);
  const range = rangeText(filter, settings);
  const { labelled } = t.filters;
  if (range && filter.time) {
    add('range', labelled(t.filters.times[filter.time], range), noRange, true);
  }
  if (filter.message) {
    const text = labelled(t.columns.message, t.filters.quoted(filter.message));
    add('message', text, { message: '' });
  }
  if (filter.failureGroupId) {
    const title = failureGroup ?? lastDigits(filter.failureGroupId);
    add('failureGroup', labelled(t.filters.failure, title), { failureGroupId: undefined });
  }
  if (filter.processing) {
    add('processing', t.filters.losses[filter.processing], { processing: undefined });
  }
  if (filter.priority !== undefined) {
    const text = labelled(t.filters.priority, t.priority(filter.priority));
    add('priority', text, { priority: undefined });
  }
  const { minDuration: least, maxDuration: most, providers } = filter;
  if (least !== undefined) {
    add('min', t.filters.atLeast(formatLength(least)), { minDuration: undefined });
  }
  if (most !== undefined) {
    add('max', t.filters.atMost(formatLength(most)), { maxDuration: undefined });
  }
  each('providers', providers, (provider) => labelled(t.filters.provider, provider), false);
  return chips;
}

export function Chips({
  chips,
  change,
  clear,
}: {
  chips: readonly Chip[];
  change(changes: Partial<Filter>): void;
  clear(): void;
}) {
  if (chips.length === 0) return null;
  const isInBar = chips.every((chip) => chip.isInBar);
  return (
    <ul className={isInBar ? 'chips is-in-bar' : 'chips'} aria-label={t.filters.inForce}>
      {chips.map((chip) => (
        <li key={chip.key} className={chip.isInBar ? 'is-in-bar' : undefined}>
          <button type="button" className="filter is-set" onClick={() => change(chip.removed)}>
            <span className="hidden">{t.filters.remove}</span>
            <span className="filter-value one-line">{chip.text}</span>
            <icons.cross width={12} height={12} />
          </button>
        </li>
      ))}
      {chips.length > 1 && (
        <li className="is-in-bar">
          <button type="button" className="button is-quiet" onClick={clear}>
            {t.filters.clear}
          </button>
        </li>
      )}
    </ul>
  );
}
