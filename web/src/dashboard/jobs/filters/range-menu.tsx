import { useState } from 'react';
import { brief, zoneOf } from '../../format/time';
import { t } from '../../i18n';
import { type Settings, useSettings } from '../../settings/settings';
import { icons } from '../../ui/icons';
import { Menu, MenuChoice } from '../../ui/picker';
import { type Filter, type Range, ranges, type Time, times, usualTime } from '../filter';
import { MomentField } from './moment-field';

/** The range of a time in words, if there is one. */
export function rangeText({ range, from, to }: Filter, settings: Settings): string | undefined {
  if (range) return t.filters.ranges[range];
  if (!from && !to) return undefined;
  const moment = (at: string) => brief(at, settings, Date.now());
  return `${from ? moment(from) : '…'} – ${to ? moment(to) : t.filters.now}`;
}

export const noRange = { time: undefined, range: undefined, from: undefined, to: undefined };

/** Chooses when jobs were created, started or finished: at first, what the view is about. */
export function RangeMenu({
  filter,
  change,
}: {
  filter: Filter;
  change(changes: Partial<Filter>): void;
}) {
  const settings = useSettings();
  const [wanted, setWanted] = useState<Time>();
  const { range, from, to } = filter;
  const time = filter.time ?? wanted ?? usualTime(filter);
  const value = rangeText(filter, settings);
  const pick = (next: Range | undefined) =>
    change(next ? { ...noRange, time, range: next } : noRange);
  const set = (field: 'from' | 'to', moment: string | undefined) => {
    const bounds = { from, to, [field]: moment };
    change(bounds.from || bounds.to ? { ...noRange, time, ...bounds } : noRange);
  };
  return (
    <Menu
      label={t.filters.times[time]}
      value={value}
      isSet={Boolean(value)}
      icon={<icons.calendar width={14} height={14} />}
      onOpenChange={() => setWanted(undefined)}
    >
      <div className="picker">
        <fieldset className="segments">
          <legend className="hidden">{t.filters.whichTime}</legend>
          {times.map((each) => (
            <label key={each} className="segment">
              <input
                type="radio"
                name="time"
                checked={each === time}
                onChange={() => {
                  setWanted(each);
                  if (filter.time) change({ time: each });
                }}
              />
              <span>{t.filters.times[each]}</span>
            </label>
          ))}
        </fieldset>
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
            <MomentField
              key={field}
              label={t.filters[field]}
              value={filter[field]}
              change={(moment) => set(field, moment)}
            />
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
