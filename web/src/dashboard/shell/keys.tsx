import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { type Messages, t } from '../i18n';
import { getSettings } from '../settings/settings';
import { Dialog } from '../ui/dialog';

const keysOf = ({ shortcuts }: Messages): readonly (readonly [string, string])[] => [
  ['/', shortcuts.search],
  ['j, k', shortcuts.move],
  [shortcuts.enterKey, shortcuts.open],
  ['x', shortcuts.select],
  ['Esc', shortcuts.clear],
  [shortcuts.pageKeys, shortcuts.page],
  ['e', shortcuts.executing],
  ['p', shortcuts.pause],
  [shortcuts.goKeys, shortcuts.go],
  ['?', shortcuts.title],
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
        const to = { j: '/', o: '/overview', f: '/failures', c: '/configurations', a: '/agents' }[
          event.key
        ];
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
          return press('previous-page');
        case ']':
          return press('next-page');
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
    <Dialog title={t.shortcuts.title} onClose={close}>
      <dl className="keys dialog-content">
        {keysOf(t).map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <footer className="dialog-foot muted">{t.shortcuts.off}</footer>
    </Dialog>
  );
}
