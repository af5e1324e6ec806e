/** What the page says of what was done: shown for a while, and read out. */
import { useEffect, useSyncExternalStore } from 'react';
import { t } from '../i18n';
import { icons } from './icons';

interface Notice {
  id: number;
  text: string;
  isBad: boolean;
}

let notice: Notice | undefined;
let last = 0;
const listeners = new Set<() => void>();

function set(next: Notice | undefined): void {
  notice = next;
  for (const listener of listeners) listener();
}

export function say(text: string, isBad = false): void {
  last += 1;
  set({ id: last, text, isBad });
}

export function Notices() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notice,
  );
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => set(undefined), shown.isBad ? 12_000 : 5_000);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div className="notices" role="status" aria-live="polite">
      {shown && (
        <div className={shown.isBad ? 'notice is-bad' : 'notice'} key={shown.id}>
          {shown.isBad ? <icons.warning /> : <icons.check />}
          <span>{shown.text}</span>
          <button type="button" className="icon-button small" onClick={() => set(undefined)}>
            <icons.cross width={14} height={14} />
            <span className="hidden">{t.common.dismiss}</span>
          </button>
        </div>
      )}
    </div>
  );
}
