import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { getSettings } from '../settings/settings';
import { Dialog } from '../ui/dialog';

const keys: readonly (readonly [string, string])[] = [
  ['/', 'Search'],
  ['j, k', 'Next job, previous job'],
  ['Enter', 'Open the job'],
  ['x', 'Select the job'],
  ['[ and ]', 'Previous page, next page'],
  ['e', 'What executes'],
  ['p', 'Pause or resume live updates'],
  ['g then j, c, a', 'To jobs, configurations, agents'],
  ['?', 'This list'],
];

function press(name: string): void {
  document.querySelector<HTMLElement>(`[data-shortcut="${name}"]:not(:disabled)`)?.click();
}

/** Moves the focus from one row's link to the next. Rows out of view come into it first. */
function move(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('.row-link')];
  const row = document.activeElement?.closest('.row');
  const at = links.findIndex((link) => row?.contains(link));
  const next = at < 0 ? links[by > 0 ? 0 : links.length - 1] : links[at + by];
  next?.focus({ preventScroll: true });
  next?.closest('.row')?.scrollIntoView({ block: 'nearest' });
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  target.matches('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');

/** What single keys do; they can be switched off in the settings. */
export function useKeys(): { isHelpOpen: boolean; showHelp(isOpen: boolean): void } {
  const [isHelpOpen, showHelp] = useState(false);
  const [, navigate] = useLocation();
  useEffect(() => {
    let wasG = false;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (!getSettings().keys || isTyping(event.target)) return;
      if (document.querySelector('dialog[open], [role="menu"]')) return;
      const after = wasG;
      wasG = event.key === 'g';
      if (after) {
        const to = { j: '/', c: '/configurations', a: '/agents' }[event.key];
        if (to) navigate(to);
        return;
      }
      switch (event.key) {
        case '/':
          event.preventDefault();
          document.querySelector<HTMLElement>('[data-shortcut="search"]')?.focus();
          break;
        case 'j':
          return move(1);
        case 'k':
          return move(-1);
        case 'x':
          (event.target as HTMLElement)
            .closest?.('.row')
            ?.querySelector<HTMLElement>('input[type=checkbox]')
            ?.click();
          break;
        case '[':
          return press('Previous page');
        case ']':
          return press('Next page');
        case 'e':
          return press('executing');
        case 'p':
          return press('pause');
        case '?':
          showHelp(true);
      }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [navigate]);
  return { isHelpOpen, showHelp };
}

export function KeysHelp({ close }: { close(): void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={close}>
      <dl className="keys dialog-content">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <footer className="dialog-foot muted">They can be switched off in the settings.</footer>
    </Dialog>
  );
}
