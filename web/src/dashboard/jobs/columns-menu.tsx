import { icons } from '../ui/icons';
import { Menu } from '../ui/picker';
import { columns, columnsFor } from './columns';
import type { Filter } from './filter';

export function ColumnsMenu({
  filter,
  change,
}: {
  filter: Filter;
  change(chosen: readonly string[] | undefined): void;
}) {
  const shown = columnsFor(filter, window.innerWidth).map(({ key }) => key);
  return (
    <Menu label="Columns" icon={<icons.columns width={14} height={14} />}>
      <fieldset className="checks">
        <legend className="hidden">Columns</legend>
        {columns.map(({ key, label }) => (
          <label key={key} className="option">
            <input
              type="checkbox"
              checked={shown.includes(key)}
              disabled={key === 'job'}
              onChange={({ target }) =>
                change(
                  columns
                    .map((column) => column.key)
                    .filter((each) => (each === key ? target.checked : shown.includes(each))),
                )
              }
            />
            {label}
          </label>
        ))}
        <button
          type="button"
          className="button is-quiet"
          disabled={!filter.columns}
          onClick={() => change(undefined)}
        >
          Those that fit
        </button>
      </fieldset>
    </Menu>
  );
}
