import { useState } from 'react';
import { errorOf } from '../data/errors';
import type { FullRun } from '../data/types';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { CopyButton } from '../ui/copy';
import { Unavailable } from '../ui/unavailable';
import { groups, rawText } from './field-names';

const KEY = 'agent-jobs:fields';

/** Every field as the API gives it. */
export function Fields({ run }: { run: FullRun }) {
  // It is open where the user left it so.
  const [isOpen, setOpen] = useState(() => {
    try {
      return localStorage.getItem(KEY) === 'open';
    } catch {
      return false;
    }
  });
  const remember = (open: boolean) => {
    setOpen(open);
    try {
      localStorage.setItem(KEY, open ? 'open' : 'closed');
    } catch {
      // Without storage it lasts as long as the page.
    }
  };
  return (
    <section className="card" aria-labelledby="fields-title">
      <details open={isOpen} onToggle={(event) => remember(event.currentTarget.open)}>
        <summary className="card-head">
          <h2 id="fields-title">{t.fields.title}</h2>
          <span className="muted">{t.fields.note}</span>
        </summary>
        <div className="fields">
          {groups.map(([group, names]) => (
            <table key={group} className="field-table">
              <caption>{t.fields.groups[group]}</caption>
              <tbody>
                {names.map((name) => {
                  const text = rawText(run[name]);
                  const error = errorOf(run, name);
                  return (
                    <tr key={name}>
                      <th scope="row" className="mono">
                        {name}
                      </th>
                      <td className="mono">
                        {error ? (
                          <Unavailable error={error} />
                        ) : (
                          (text ?? <span className="muted">{NONE}</span>)
                        )}
                      </td>
                      <td className="field-copy">
                        {text !== undefined && <CopyButton text={text} what={name} />}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          ))}
        </div>
      </details>
    </section>
  );
}
