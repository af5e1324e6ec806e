import { t } from '../i18n';
import { icons } from '../ui/icons';
import type { Ignored } from './address';

/** Names the parameters that were not understood: without them the list shows more than was meant. */
export function IgnoredFilters({
  ignored,
  dismiss,
}: {
  ignored: readonly Ignored[];
  dismiss(): void;
}) {
  if (ignored.length === 0) return null;
  return (
    <div className="ignored" role="status">
      <icons.warning />
      <ul>
        {ignored.map(({ name, value, hint }) => (
          <li key={`${name}=${value}`}>
            {t.filters.ignored(<b>{`${name}=${value.slice(0, 60)}`}</b>, hint)}
          </li>
        ))}
      </ul>
      <button type="button" className="icon-button small" onClick={dismiss}>
        <icons.cross width={14} height={14} />
        <span className="hidden">{t.common.dismiss}</span>
      </button>
    </div>
  );
}
