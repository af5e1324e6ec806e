import { useId, useState } from 'react';
import { formatLength, parseLength } from '../../format/length';
import { t } from '../../i18n';
import { icons } from '../../ui/icons';
import { Menu } from '../../ui/picker';
import { useParsed, useTyped } from '../../ui/use-typed';
import { type Filter, losses, priorities, TEXT_LENGTH } from '../filter';

/** The filters that the menu has: their number is on its button. */
export const numberOfMore = (filter: Filter): number =>
  [
    filter.message,
    filter.processing,
    filter.priority !== undefined,
    filter.minDuration !== undefined,
    filter.maxDuration !== undefined,
  ].filter(Boolean).length + filter.providers.length;

/** The filters that are used less than those in the bar, in one menu. */
export function MoreFilters({
  filter,
  change,
  providers,
  load,
}: {
  filter: Filter;
  change(changes: Partial<Filter>, replace?: boolean): void;
  /** Undefined while they are not known. */
  providers: readonly string[] | undefined;
  /** Called when it opens. */
  load(): void;
}) {
  const n = numberOfMore(filter);
  return (
    <Menu
      label={t.filters.more}
      value={n > 0 && t.filters.chosen(n)}
      isSet={n > 0}
      icon={<icons.filter width={14} height={14} />}
      onOpenChange={(isOpen) => isOpen && load()}
    >
      <div className="more-filters">
        <MessageField text={filter.message} change={(message) => change({ message }, true)} />
        <div className="field-pair">
          <label className="field">
            <span>{t.filters.processing}</span>
            <select
              className="input"
              value={filter.processing ?? ''}
              onChange={({ target }) =>
                change({ processing: losses.find((loss) => loss === target.value) })
              }
            >
              <option value="">{t.common.any}</option>
              {losses.map((loss) => (
                <option key={loss} value={loss}>
                  {t.filters.losses[loss]}
                </option>
              ))}
            </select>
          </label>
          <Priority chosen={filter.priority} change={(priority) => change({ priority })} />
        </div>
        <fieldset className="field">
          <legend>{t.filters.duration}</legend>
          <span className="field-pair">
            {(['minDuration', 'maxDuration'] as const).map((key) => (
              <LengthField
                key={key}
                label={t.filters[key]}
                value={filter[key]}
                change={(length) => change({ [key]: length }, true)}
              />
            ))}
          </span>
        </fieldset>
        <Providers
          all={providers}
          chosen={filter.providers}
          change={(next) => change({ providers: next })}
        />
      </div>
    </Menu>
  );
}

function MessageField({ text, change }: { text: string; change(text: string): void }) {
  const [typed, setTyped] = useTyped(text, change);
  return (
    <label className="field">
      <span>{t.filters.message}</span>
      <input
        className="input"
        type="search"
        spellCheck={false}
        maxLength={TEXT_LENGTH}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </label>
  );
}

function Priority({
  chosen,
  change,
}: {
  chosen: number | undefined;
  change(priority: number | undefined): void;
}) {
  const known: readonly number[] = priorities;
  // A link may have a priority without a name.
  const shown = chosen === undefined || known.includes(chosen) ? known : [...known, chosen];
  return (
    <label className="field">
      <span>{t.filters.priority}</span>
      <select
        className="input"
        value={chosen ?? ''}
        onChange={({ target }) => change(target.value === '' ? undefined : Number(target.value))}
      >
        <option value="">{t.common.any}</option>
        {shown.map((priority) => (
          <option key={priority} value={priority}>
            {t.priority(priority)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** A length of time. What is not one is not applied, and said. */
function LengthField({
  label,
  value,
  change,
}: {
  label: string;
  value: number | undefined;
  change(value: number | undefined): void;
}) {
  const hintId = useId();
  const { typed, setTyped, isWrong } = useParsed(value, parseLength, formatLength, change);
  return (
    <label className="field">
      <span>{label}</span>
      <input
        className="input"
        type="text"
        autoComplete="off"
        spellCheck={false}
        placeholder={t.filters.durationExample}
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? hintId : undefined}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      {isWrong && (
        <small id={hintId} className="problem" role="status">
          {t.filters.durationHint}
        </small>
      )}
    </label>
  );
}

/** More than these need a field to find one. */
const UNSEARCHED = 8;

function Providers({
  all,
  chosen,
  change,
}: {
  all: readonly string[] | undefined;
  chosen: readonly string[];
  change(next: readonly string[]): void;
}) {
  const [text, setText] = useState('');
  // A link may have one that no configuration has any more.
  const known = [...new Set([...(all ?? []), ...chosen])].sort((a, b) => a.localeCompare(b));
  const wanted = text.trim().toLowerCase();
  const shown = known.filter((each) => each.toLowerCase().includes(wanted));
  return (
    <fieldset className="field">
      <legend>{t.filters.provider}</legend>
      {known.length > UNSEARCHED && (
        <input
          className="input"
          type="text"
          autoComplete="off"
          spellCheck={false}
          placeholder={t.filters.findProvider}
          aria-label={t.filters.findProvider}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <div className="providers">
        {shown.map((provider) => (
          <label key={provider} className="option">
            <input
              type="checkbox"
              checked={chosen.includes(provider)}
              onChange={({ target }) =>
                change(
                  target.checked
                    ? [...chosen, provider]
                    : chosen.filter((each) => each !== provider),
                )
              }
            />
            <span className="one-line">{provider}</span>
          </label>
        ))}
        {shown.length === 0 && (
          <p className="muted">{all ? t.filters.noOptions : t.common.loading}</p>
        )}
      </div>
    </fieldset>
  );
}
