import { useState } from 'react';
import { states, textOf } from '../../data/states';
import type { JobState } from '../../data/types';
import { t } from '../../i18n';
import { StateSign } from '../../ui/icons';
import { Menu } from '../../ui/picker';
import type { Filter } from '../filter';

type StateFilter = Pick<Filter, 'states' | 'excludedStates'>;

const modes = ['include', 'exclude'] as const;
type Mode = (typeof modes)[number];

/** Chooses the states that are listed, or those that are not. */
export function StatesMenu({
  filter: { states: included, excludedStates: excluded },
  change,
}: {
  filter: StateFilter;
  change(changes: StateFilter): void;
}) {
  const [wanted, setWanted] = useState<Mode>();
  const mode = wanted ?? (excluded.length > 0 && included.length === 0 ? 'exclude' : 'include');
  const chosen = mode === 'exclude' ? excluded : included;
  const choose = (next: readonly JobState[], by: Mode) =>
    change({
      states: by === 'include' ? next : [],
      excludedStates: by === 'exclude' ? next : [],
    });
  const all = [
    ...included.map((state) => textOf(state).label),
    ...excluded.map((state) => t.filters.not(textOf(state).label)),
  ];
  const value = all.length > 1 ? t.filters.statesChosen(all.length) : all[0];
  return (
    <Menu
      label={t.filters.state}
      value={value}
      isSet={all.length > 0}
      onOpenChange={() => setWanted(undefined)}
    >
      <fieldset className="segments">
        <legend className="hidden">{t.filters.match}</legend>
        {modes.map((each) => (
          <label key={each} className="segment">
            <input
              type="radio"
              name="match"
              checked={mode === each}
              onChange={() => {
                setWanted(each);
                if (chosen.length > 0) choose(chosen, each);
              }}
            />
            <span>{t.filters[each]}</span>
          </label>
        ))}
      </fieldset>
      <fieldset className="checks">
        <legend className="hidden">{t.filters.states}</legend>
        {states.map(({ state }) => (
          <label key={state} className="option">
            <input
              type="checkbox"
              checked={chosen.includes(state)}
              onChange={({ target }) =>
                choose(
                  states
                    .map((info) => info.state)
                    .filter((each) => (each === state ? target.checked : chosen.includes(each))),
                  mode,
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
