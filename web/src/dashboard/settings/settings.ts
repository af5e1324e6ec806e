/** What this browser remembers of how its user wants to see things. */
import { useSyncExternalStore } from 'react';
import { isLanguage, type LanguageSetting, setLanguage, t } from '../i18n';
import { say } from '../ui/notice';

export interface Settings {
  language: LanguageSetting;
  theme: 'system' | 'light' | 'dark';
  /** `local`, `UTC`, or a zone's IANA name. */
  zone: string;
  hours: '12' | '24';
  /** Whether single keys do something. */
  keys: boolean;
  /** The columns of lists of jobs, as they were chosen last; undefined: those that fit. */
  columns?: readonly string[] | undefined;
}

const KEY = 'agent-jobs:settings';

const usual: Settings = {
  language: 'auto',
  theme: 'system',
  zone: 'local',
  hours: '24',
  keys: true,
};

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Reads what was stored; anything that makes no sense is as usual. */
export function parseSettings(text: string | null): Settings {
  let stored: Partial<Record<keyof Settings, unknown>> = {};
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value === 'object' && value) stored = value;
  } catch {
    // Not ours, or of another version.
  }
  const { language, theme, zone, hours, keys, columns } = stored;
  return {
    language: isLanguage(language) ? language : usual.language,
    theme: theme === 'light' || theme === 'dark' ? theme : usual.theme,
    zone: typeof zone === 'string' && (zone === 'local' || isZone(zone)) ? zone : usual.zone,
    hours: hours === '12' ? '12' : '24',
    keys: keys !== false,
    columns:
      Array.isArray(columns) && columns.every((key) => typeof key === 'string')
        ? columns
        : undefined,
  };
}

/** Storage may be forbidden; then settings last as long as the page. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let settings: Settings | undefined;
const listeners = new Set<() => void>();

export function getSettings(): Settings {
  settings ??= parseSettings(stored());
  return settings;
}

export function applyTheme(): void {
  const { theme } = getSettings();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function take(next: Settings): void {
  settings = next;
  applyTheme();
  setLanguage(next.language).catch(() => say(t.settings.languageFailed, true));
  for (const listener of listeners) listener();
}

export function changeSettings(change: Partial<Settings>): void {
  const next = { ...getSettings(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // As above.
  }
  take(next);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  // Another tab of the same browser.
  const changed = (event: StorageEvent) => {
    if (event.key === KEY) take(parseSettings(event.newValue));
  };
  window.addEventListener('storage', changed);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', changed);
  };
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, getSettings);
}
