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

/** Gives each entry of the history its text as its name: GraphiQL calls all of them "Set active". */
export function useNamesOfHistory(): void {
  useEffect(() => {
    const panel = document.querySelector('.graphiql-plugin');
    if (!panel) return;
    const observer = new MutationObserver(() => {
      for (const entry of panel.querySelectorAll('.graphiql-history-item-label[aria-label]')) {
        entry.removeAttribute('aria-label');
      }
    });
    observer.observe(panel, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, []);
}
