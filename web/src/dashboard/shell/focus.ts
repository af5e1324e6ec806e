/**
 * Where the keyboard's focus goes as pages change: to the new page's heading, which is read out,
 * or on the way back to the row that was opened.
 */
import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';

/** The link that led away from each page, by the page's path. */
const leftBy = new Map<string, string>();

/** Whether the page changed and its heading or row is not there yet. */
let isPending = false;
let isBack = false;

function focusPending(path: string): void {
  const main = document.querySelector<HTMLElement>('main');
  if (!isPending || !main) return;
  // While the next page's code is loaded, the one before is still in the document, hidden.
  const active = document.activeElement;
  if (active !== main && main.contains(active) && active?.checkVisibility()) {
    // The user has moved on to something on the new page by now.
    isPending = false;
    return;
  }
  const href = isBack ? leftBy.get(path) : undefined;
  const selector = href ? `.row-link[href="${CSS.escape(href)}"]` : 'h1';
  const targets = [...main.querySelectorAll<HTMLElement>(selector)];
  const target = targets.find((element) => element.checkVisibility());
  if (!target) return;
  isPending = false;
  if (!href) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

// Before the router's own listener, which already renders the page.
window.addEventListener('popstate', () => {
  isBack = true;
});

export function useFocusOnNavigation(): void {
  const [path] = useLocation();
  useEffect(() => {
    const click = ({ target }: MouseEvent) => {
      if (!(target instanceof Element)) return;
      const link =
        target.closest('.row-link') ?? target.closest('.row')?.querySelector('.row-link');
      const href = link?.getAttribute('href');
      if (href) leftBy.set(location.pathname, href);
    };
    document.addEventListener('click', click, true);
    return () => document.removeEventListener('click', click, true);
  }, []);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) {
      shown.current = path;
      isPending = true;
    }
    const at = location.pathname;
    focusPending(at);
    if (!isPending) {
      isBack = false;
      return;
    }
    // Pages come in steps: their code, then their data.
    const observer = new MutationObserver(() => {
      focusPending(at);
      if (!isPending) {
        isBack = false;
        observer.disconnect();
      }
    });
    observer.observe(document.body, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, [path]);
}
