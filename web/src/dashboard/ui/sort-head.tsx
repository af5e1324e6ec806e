import type { ReactNode } from 'react';
import { icons } from './icons';

export interface Sorting<K extends string> {
  by: K;
  isDescending: boolean;
}

/** A column's header, which sorts the table; again, the other way round. */
export function SortHead<K extends string>({
  by,
  label,
  sorting,
  sort,
  className,
  title,
  startsDescending = false,
}: {
  by: K;
  label: ReactNode;
  sorting: Sorting<K> | undefined;
  sort(next: Sorting<K>): void;
  className?: string | undefined;
  title?: string | undefined;
  /** Whether the largest comes first at first. */
  startsDescending?: boolean;
}) {
  const own = sorting?.by === by ? sorting : undefined;
  const order = own && (own.isDescending ? 'descending' : 'ascending');
  return (
    <th scope="col" className={className} aria-sort={order}>
      <button
        type="button"
        className="sort-head"
        title={title}
        onClick={() => sort({ by, isDescending: own ? !own.isDescending : startsDescending })}
      >
        {label}
        {own && <icons.down width={12} height={12} className={own.isDescending ? '' : 'turned'} />}
      </button>
    </th>
  );
}
