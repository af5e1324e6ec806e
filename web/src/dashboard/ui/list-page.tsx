import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { nameOf } from '../data/hooks';
import { t } from '../i18n';
import { useEvery } from '../live/hooks';
import { usePageTitle } from '../shell/title';
import { Empty, Failure } from './empty';
import { icons } from './icons';
import { SimplePager, usePageNumber } from './simple-pager';
import { Skeleton } from './skeleton';

/** How many rows a page of a list has. */
const TAKE = 50;

/** How many pages of the API are read, of 200 each. */
const READ = 5;

interface Page<T> {
  items: T[];
  totalCount: number;
  hasNextPage: boolean;
}

type Whole<T> = Pick<Page<T>, 'items' | 'totalCount'>;

/** Reads a list as a whole, up to its first 1,000, so that it can be sorted and searched here. */
export function useWholeList<T>(
  key: string,
  read: (page: number, signal: AbortSignal) => Promise<Page<T>>,
): UseQueryResult<Whole<T>> {
  // A long list is read again less often.
  const often = useEvery(5_000);
  const seldom = useEvery(30_000);
  return useQuery<Whole<T>>({
    queryKey: [key],
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => ((state.data?.items.length ?? 0) > 200 ? seldom : often),
    queryFn: async ({ signal }) => {
      const items: T[] = [];
      for (let page = 0; ; page += 1) {
        const found = await read(page, signal);
        items.push(...found.items);
        if (!found.hasNextPage || page === READ - 1) return { items, totalCount: found.totalCount };
      }
    },
  });
}

/**
 * The page of a list that is read as a whole: its head with a search, its rows page by page, or why
 * there are none.
 */
export function ListPage<T extends { id: string; name: string | null }>({
  texts,
  list,
  compare,
  note,
  noneHint,
  children,
}: {
  texts: {
    title: string;
    count(n: number): string;
    search: string;
    none: string;
    noMatch: string;
  };
  list: UseQueryResult<Whole<T>>;
  /** The order of the rows. */
  compare(a: T, b: T): number;
  /** What stands beside the number of rows. */
  note?: ReactNode;
  noneHint: ReactNode;
  children(shown: readonly T[]): ReactNode;
}) {
  usePageTitle(texts.title);
  const [search, setSearch] = useState('');
  const [wanted, setPage] = usePageNumber();
  const found = list.data;
  const text = search.trim().toLowerCase();
  const matching = (found?.items ?? [])
    .filter((each) => nameOf(each).toLowerCase().includes(text) || each.id.includes(text))
    .sort(compare);
  const pages = Math.max(Math.ceil(matching.length / TAKE), 1);
  const page = Math.min(wanted, pages);
  const isEmpty = found?.items.length === 0;
  return (
    <>
      <header className="page-head">
        <h1>{texts.title}</h1>
        {found && <p className="muted">{texts.count(found.totalCount)}</p>}
        {note}
        {found && !isEmpty && (
          <label className="search">
            <icons.search />
            <span className="hidden">{texts.search}</span>
            <input
              className="input"
              type="search"
              data-shortcut="search"
              placeholder={texts.search}
              value={search}
              onChange={({ target }) => {
                setSearch(target.value);
                setPage(1);
              }}
            />
          </label>
        )}
      </header>
      {found && found.totalCount > found.items.length && (
        <p className="muted">{t.common.onlyFirst(found.items.length)}</p>
      )}
      {!found && list.isError && <Failure error={list.error} retry={() => list.refetch()} />}
      {!found && list.isPending && <Skeleton rows={14} height={44} />}
      {isEmpty && (
        <Empty title={texts.none}>
          <p>{noneHint}</p>
        </Empty>
      )}
      {found && !isEmpty && matching.length === 0 && <Empty title={texts.noMatch} />}
      {matching.length > 0 && children(matching.slice((page - 1) * TAKE, page * TAKE))}
      <SimplePager page={page} setPage={setPage} pages={pages} />
    </>
  );
}
