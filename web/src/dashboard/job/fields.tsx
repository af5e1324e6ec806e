import { errorOf } from '../data/errors';
import type { FullRun } from '../data/types';
import { NONE } from '../format/number';
import { t } from '../i18n';
import { CopyButton } from '../ui/copy';
import { Unavailable } from '../ui/unavailable';
import { groups, rawText } from './field-names';

/** Every field as the API gives it. */
export function Fields({ run }: { run: FullRun }) {
  return (
    <section className="card" aria-labelledby="fields-title">
      <header className="card-head">
        <h2 id="fields-title">{t.fields.title}</h2>
        <span className="muted">{t.fields.note}</span>
      </header>
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
    </section>
  );
}
