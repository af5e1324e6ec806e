import { t } from '../i18n';
import { icons } from '../ui/icons';
import { Menu } from '../ui/picker';
import { columns, columnsFor, type Fixed, sortedColumn } from './columns';
import type { Filter } from './filter';

export function ColumnsMenu({
  filter,
  fixed,
  change,
}: {
  filter: Filter;
  fixed: Fixed | undefined;
  change(chosen: readonly string[] | undefined): void;
}) {
  const shown = columnsFor(filter, window.innerWidth, { fixed }).map(({ key }) => key);
  const sorted = sortedColumn(filter)?.key;
  return (
    <Menu label={t.columns.title} tool="columns" icon={<icons.columns width={14} height={14} />}>
      <fieldset className="checks">
        <legend className="hidden">{t.columns.title}</legend>
        {columns.map(({ key }) => (
          <label key={key} className="option">
            <input
              type="checkbox"
              checked={shown.includes(key)}
              disabled={key === 'job' || key === sorted}
              onChange={({ target }) =>
                change(
                  columns
                    .map((column) => column.key)
                    .filter((each) => (each === key ? target.checked : shown.includes(each))),
                )
              }
            />
            {t.columns[key]}
          </label>
        ))}
        <button
          type="button"
          className="button is-quiet"
          disabled={!filter.columns}
          onClick={() => change(undefined)}
        >
          {t.columns.reset}
        </button>
      </fieldset>
    </Menu>
  );
}
