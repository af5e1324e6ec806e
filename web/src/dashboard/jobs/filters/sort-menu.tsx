import { t } from '../../i18n';
import { icons } from '../../ui/icons';
import { Menu } from '../../ui/picker';
import { type Sort, sortKeys } from '../filter';

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
