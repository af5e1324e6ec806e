import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';

/** Wraps long lines of queries, as comments are beside the list of examples and on phones. */
export function useWrappedLines(): void {
  const { queryEditor } = useGraphiQL(pick('queryEditor'));
  useEffect(() => queryEditor?.updateOptions({ wordWrap: 'on' }), [queryEditor]);
}

/** Takes the editors along when the system changes between light and dark while the page is open. */
export function useSystemTheme(): void {
  const { setTheme } = useGraphiQLActions();
  const { theme } = useGraphiQL(pick('theme'));
  useEffect(() => {
    if (theme !== null) return;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const follow = () => setTheme(null);
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, [theme, setTheme]);
}
