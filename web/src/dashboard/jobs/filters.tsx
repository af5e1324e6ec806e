import { useEffect, useRef, useState } from 'react';
import { type Named, nameOf, useAgentNames, useConfigurationNames } from '../data/hooks';
import { states, textOf } from '../data/states';
import type { JobState } from '../data/types';
import { fromField, full, toField, zoneOf } from '../format/time';
import { t } from '../i18n';
import { type Settings, useSettings } from '../settings/settings';
import { icons, StateSign } from '../ui/icons';
import { Menu, MenuChoice, Picker } from '../ui/picker';
import type { Fixed } from './columns';
import {
  type Filter,
  isNarrowed,
  type Loss,
  losses,
  type Range,
  ranges,
  type Sort,
  sortKeys,
  viewOf,
} from './filter';

interface Props {
  filter: Filter;
  change(change: Partial<Filter>, replace?: boolean): void;
  /** What this page is about, and so cannot be chosen. */
  fixed: Fixed | undefined;
}

export function Filters({ filter, change, fixed }: Props) {
  const [isAsked, setAsked] = useState(false);
  const configurations = useConfigurationNames(isAsked || Boolean(filter.configurationId));
  const agents = useAgentNames(isAsked || Boolean(filter.agentId));
  const load = () => setAsked(true);
  const settings = useSettings();
  const rangeText = rangeOf(filter, settings);
  // What the page is about is no filter that could be cleared.
  const own = {
    ...filter,
    ...(fixed === 'configuration' && { configurationId: undefined }),
    ...(fixed === 'agent' && { agentId: undefined }),
  };
  const isFiltered = isNarrowed(own) || filter.states.length > 0 || filter.isScheduled;
  const clear = () =>
    change({
      states: [],
      isScheduled: false,
      configurationId: undefined,
      agentId: undefined,
      search: '',
      processing: undefined,
      range: undefined,
      from: undefined,
      to: undefined,
    });
  const named = (id: string, all: readonly Named[] | undefined) =>
    all?.find((each) => each.id === id)?.name ?? nameOf({ id, name: null });
  const { configurationId, agentId } = own;
  // The states of a view are said by its tab.
  const chips: ChipProps[] = (viewOf(filter) ? [] : filter.states).map((state) => ({
    text: textOf(state).label,
    remove: () => change({ states: filter.states.filter((each) => each !== state) }),
  }));
  if (configurationId) {
    chips.push({
      text: named(configurationId, configurations.data),
      remove: () => change({ configurationId: undefined }),
    });
  }
  if (agentId) {
    chips.push({
      text: named(agentId, agents.data),
      remove: () => change({ agentId: undefined }),
    });
  }
  if (filter.search) {
    chips.push({
      text: t.filters.quoted(filter.search),
      remove: () => change({ search: '' }),
    });
  }
  if (filter.processing) {
    chips.push({
      text: t.filters.losses[filter.processing],
      remove: () => change({ processing: undefined }),
    });
  }
  if (rangeText) {
    chips.push({
      text: t.filters.createdIn(rangeText),
      remove: () => change({ range: undefined, from: undefined, to: undefined }),
    });
  }
  return (
    <search aria-label={t.filters.title}>
      {chips.length > 0 && (
        <ul className="chips" aria-label={t.filters.inForce}>
          {chips.map((chip) => (
            <Chip key={chip.text} {...chip} />
          ))}
          {chips.length > 1 && (
            <li>
              <button type="button" className="button is-quiet" onClick={clear}>
                {t.filters.clear}
              </button>
            </li>
          )}
        </ul>
      )}
      <div className="filters">
        <SearchField text={filter.search} change={(search) => change({ search }, true)} />
        <StatesMenu
          chosen={filter.states}
          change={(states) => change({ states, isScheduled: false })}
        />
        {fixed !== 'configuration' && (
          <Picker
            label={t.filters.configuration}
            find={t.filters.findConfiguration}
            options={configurations.data}
            chosen={filter.configurationId}
            choose={(configurationId) => change({ configurationId })}
            load={load}
            isLoading={configurations.isPending}
          />
        )}
        {fixed !== 'agent' && (
          <Picker
            label={t.filters.agent}
            find={t.filters.findAgent}
            options={agents.data}
            chosen={filter.agentId}
            choose={(agentId) => change({ agentId })}
            load={load}
            isLoading={agents.isPending}
          />
        )}
        <RangeMenu filter={filter} text={rangeText} change={change} />
        <LossMenu chosen={filter.processing} change={(processing) => change({ processing })} />
        {isFiltered && (
          <button type="button" className="button is-quiet" onClick={clear}>
            {t.filters.clear}
          </button>
        )}
      </div>
    </search>
  );
}

interface ChipProps {
  text: string;
  remove(): void;
}

/** A filter in force, and how to take it away, where the menus that show it are out of view. */
function Chip({ text, remove }: ChipProps) {
  return (
    <li>
      <button type="button" className="filter is-set" onClick={remove}>
        <span className="hidden">{t.filters.remove}</span>
        <span className="filter-value one-line">{text}</span>
        <icons.cross width={12} height={12} />
      </button>
    </li>
  );
}

/** The range of creation dates in words, if there is one. */
function rangeOf({ range, from, to }: Filter, settings: Settings): string | undefined {
  if (range) return t.filters.ranges[range];
  if (!from && !to) return undefined;
  return `${from ? full(from, settings) : '…'} – ${to ? full(to, settings) : t.filters.now}`;
}

/** How long after the last letter the search begins. */
const DEBOUNCE = 250;

function SearchField({ text, change }: { text: string; change(text: string): void }) {
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  const apply = useRef(change);
  apply.current = change;
  useEffect(() => {
    // The address changed by itself: the way back, a link, all filters cleared.
    if (text !== sent.current) {
      sent.current = text;
      setTyped(text);
    }
  }, [text]);
  useEffect(() => {
    const wanted = typed.trim().slice(0, 200);
    if (wanted === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = wanted;
      apply.current(wanted);
    }, DEBOUNCE);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <label className="search">
      <icons.search />
      <span className="hidden">{t.filters.search}</span>
      <input
        className="input"
        type="search"
        data-shortcut="search"
        placeholder={t.filters.searchHint}
        maxLength={200}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <kbd title={t.filters.searchKey}>/</kbd>
    </label>
  );
}

function StatesMenu({
  chosen,
  change,
}: {
  chosen: readonly JobState[];
  change(states: JobState[]): void;
}) {
  const [first] = chosen;
  const value =
    chosen.length > 1 ? t.filters.statesChosen(chosen.length) : first && textOf(first).label;
  return (
    <Menu label={t.filters.state} value={value} isSet={chosen.length > 0}>
      <fieldset className="checks">
        <legend className="hidden">{t.filters.states}</legend>
        {states.map(({ state }) => (
          <label key={state} className="option">
            <input
              type="checkbox"
              checked={chosen.includes(state)}
              onChange={({ target }) =>
                change(
                  target.checked ? [...chosen, state] : chosen.filter((each) => each !== state),
                )
              }
            />
            <StateSign state={state} />
            {textOf(state).label}
          </label>
        ))}
      </fieldset>
    </Menu>
  );
}

function RangeMenu({
  filter,
  text: value,
  change,
}: Omit<Props, 'fixed'> & { text: string | undefined }) {
  const settings = useSettings();
  const { range, from, to } = filter;
  const pick = (next: Range | undefined) => change({ range: next, from: undefined, to: undefined });
  const set = (field: 'from' | 'to', text: string) => {
    const other = field === 'from' ? { to } : { from };
    change({ range: undefined, ...other, [field]: fromField(text, settings) });
  };
  return (
    <Menu
      label={t.filters.created}
      value={value}
      isSet={Boolean(value)}
      icon={<icons.calendar width={14} height={14} />}
    >
      <div className="picker">
        <ul>
          {ranges.map((key) => (
            <li key={key}>
              <MenuChoice
                className="option"
                aria-pressed={key === range}
                onClick={() => pick(key === range ? undefined : key)}
              >
                {t.filters.ranges[key]}
                {key === range && <icons.check width={14} height={14} />}
              </MenuChoice>
            </li>
          ))}
        </ul>
        <fieldset className="range-fields">
          <legend>{t.filters.customRange(zoneOf(settings))}</legend>
          {(['from', 'to'] as const).map((field) => (
            <label key={field}>
              <span>{t.filters[field]}</span>
              <input
                className="input"
                type="datetime-local"
                value={toField(filter[field], settings)}
                onChange={(event) => set(field, event.target.value)}
              />
            </label>
          ))}
        </fieldset>
        {value && (
          <MenuChoice className="button is-quiet" onClick={() => pick(undefined)}>
            {t.filters.anyTime}
          </MenuChoice>
        )}
      </div>
    </Menu>
  );
}

function LossMenu({
  chosen,
  change,
}: {
  chosen: Loss | undefined;
  change(loss: Loss | undefined): void;
}) {
  return (
    <Menu
      label={t.filters.processing}
      value={chosen && t.filters.losses[chosen]}
      isSet={Boolean(chosen)}
    >
      <ul>
        {losses.map((loss) => (
          <li key={loss}>
            <MenuChoice
              className="option"
              aria-pressed={loss === chosen}
              onClick={() => change(loss === chosen ? undefined : loss)}
            >
              {t.filters.losses[loss]}
              {loss === chosen && <icons.check width={14} height={14} />}
            </MenuChoice>
          </li>
        ))}
      </ul>
    </Menu>
  );
}

export function SortMenu({ sort, change }: { sort: Sort; change(sort: Sort): void }) {
  return (
    <Menu
      label={t.filters.sort}
      tool="sort"
      value={t.filters.sorts[sort]}
      icon={<icons.sort width={14} height={14} />}
    >
      <fieldset className="checks">
        <legend className="hidden">{t.filters.order}</legend>
        {sortKeys.map((key) => (
          <label key={key} className="option">
            <input type="radio" name="sort" checked={key === sort} onChange={() => change(key)} />
            {t.filters.sorts[key]}
          </label>
        ))}
      </fieldset>
    </Menu>
  );
}
