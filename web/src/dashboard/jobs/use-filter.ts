import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';
import { useLanguage } from '../i18n';
import { formatFilter, type Ignored, parseFilter, readAddress } from './address';
import { changed, type Filter } from './filter';

interface AddressFilter {
  filter: Filter;
  /** The parameters that are not understood. A change of the filter drops them. */
  ignored: readonly Ignored[];
  /** Another filter begins at page 1. */
  change(changes: Partial<Filter>, replace?: boolean): void;
}

/** The filter in the page's address, and how to change it. */
export function useFilter(): AddressFilter {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const language = useLanguage();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the hints are in the language.
  const read = useMemo(() => readAddress(search), [search, language]);
  const change = useCallback(
    (changes: Partial<Filter>, replace = false) => {
      // From the address as it is now: two changes may come before the page is drawn again.
      const present = parseFilter(location.search);
      navigate(path + formatFilter(changed(present, changes)), { replace });
    },
    [navigate, path],
  );
  return { ...read, change };
}
