import { useState } from 'react';
import { count } from '../format/number';
import { t } from '../i18n';
import { CopyButton } from '../ui/copy';

const LINES = 8;
const CHARACTERS = 1_200;

/** Enough of a message where another place has it in full. */
export const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

/** What was reported as the cause or result: folded if long, and monospace where it has lines. */
export function Message({ text }: { text: string }) {
  const [isOpen, setOpen] = useState(false);
  const lines = text.trimEnd().split('\n');
  const brief = lines.slice(0, LINES).join('\n').slice(0, CHARACTERS);
  const isLong = brief.length < text.trimEnd().length;
  const [first = '', ...rest] = (isOpen ? text.trimEnd() : brief).split('\n');
  return (
    <div className="message-text">
      <CopyButton text={text} what={t.copy.message} />
      <p className="banner-message">{first}</p>
      {rest.length > 0 && <pre className="message-lines mono">{rest.join('\n')}</pre>}
      {isLong && (
        <button
          type="button"
          className="button is-quiet"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen
            ? t.job.showLess
            : lines.length > LINES
              ? t.job.showLines(count(lines.length))
              : t.job.showMessage}
        </button>
      )}
    </div>
  );
}
