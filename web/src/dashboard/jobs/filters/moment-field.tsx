import { useId } from 'react';
import { formatClock, fromField, parseClock, toField } from '../../format/time';
import { t } from '../../i18n';
import { useSettings } from '../../settings/settings';
import { useParsed } from '../../ui/use-typed';

/**
 * A date and a time in the chosen zone. The time is a text, since the browser's own field has the hours
 * of its language instead of those that were chosen.
 */
export function MomentField({
  label,
  value,
  change,
}: {
  label: string;
  value: string | undefined;
  change(value: string | undefined): void;
}) {
  const settings = useSettings();
  const hintId = useId();
  const [date = '', time] = toField(value, settings).split('T');
  const set = (newDate: string, newTime = '00:00') =>
    change(newDate ? fromField(`${newDate}T${newTime}`, settings) : undefined);
  const { typed, setTyped, isWrong } = useParsed(
    time,
    parseClock,
    (clock) => formatClock(clock, settings),
    (clock) => set(date, clock),
  );
  return (
    <fieldset className="moment-field">
      <legend>{label}</legend>
      <input
        className="input"
        type="date"
        aria-label={t.filters.dateOf(label)}
        value={date}
        onChange={(event) => set(event.target.value, time)}
      />
      <input
        className="input"
        type="text"
        autoComplete="off"
        spellCheck={false}
        aria-label={t.filters.timeOf(label)}
        placeholder={formatClock('00:00', settings)}
        disabled={!date}
        aria-invalid={isWrong || undefined}
        aria-describedby={isWrong ? hintId : undefined}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      {isWrong && (
        <small id={hintId} className="problem" role="status">
          {t.filters.timeHint(formatClock('13:30', settings))}
        </small>
      )}
    </fieldset>
  );
}
