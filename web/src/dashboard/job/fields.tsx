import type { FullRun } from '../data/types';
import { NONE } from '../format/number';
import { CopyButton } from '../ui/copy';
import { groups, rawText } from './field-names';

/** Every field as the API gives it. */
export function Fields({ run }: { run: FullRun }) {
  return (
    <section className="card" aria-labelledby="fields-title">
      <header className="card-head">
        <h2 id="fields-title">All fields</h2>
        <span className="muted">as the API gives them; times in UTC, elapsed times in ms</span>
      </header>
      <div className="fields">
        {groups.map(([title, names]) => (
          <table key={title} className="field-table">
            <caption>{title}</caption>
            <tbody>
              {names.map((name) => {
                const text = rawText(run[name]);
                return (
                  <tr key={name}>
                    <th scope="row" className="mono">
                      {name}
                    </th>
                    <td className="mono">{text ?? <span className="muted">{NONE}</span>}</td>
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
