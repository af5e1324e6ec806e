import { useState } from 'react';
import { t } from '../i18n';
import { icons } from './icons';
import { say } from './notice';

export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Copies a text; its sign says that it did. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    if (await copyText(text)) {
      setDone(true);
      say(t.copy.copied(what));
      setTimeout(() => setDone(false), 1_500);
    } else {
      say(t.copy.blocked(text));
    }
  };
  const Sign = isDone ? icons.check : icons.copy;
  return (
    <button type="button" className="icon-button small" onClick={copy} title={t.copy.copy(what)}>
      <Sign width={14} height={14} />
      <span className="hidden">{t.copy.copy(what)}</span>
    </button>
  );
}
