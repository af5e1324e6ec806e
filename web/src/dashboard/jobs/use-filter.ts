import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';
import { type Filter, formatFilter, parseFilter } from './filter';

/** The filter in the page's address, and how to change it. Another filter begins at page 1. */
export function useFilter(): [Filter, (change: Partial<Filter>, replace?: boolean) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const filter = useMemo(() => parseFilter(search), [search]);
  const change = useCallback(
    (changes: Partial<Filter>, replace = false) => {
      // From the address as it is now: two changes may come before the page is drawn again.
      const present = parseFilter(location.search);
      navigate(path + formatFilter({ ...present, page: 1, ...changes }), { replace });
    },
    [navigate, path],
  );
  return [filter, change];
}
