import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { type Example, groups, write } from './examples.js';
import { readFacts } from './facts';
import { isNarrow } from './narrow';

/** The list of examples beside the editor. Each opens in a tab, with ids from the database. */
function Examples() {
  const actions = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(
    pick('tabs', 'queryEditor', 'variableEditor'),
  );

  async function open(example: Example) {
    const { query, variables } = write(example, example.needs ? await readFacts() : {});
    // A subscription would go on writing into the next tab.
    actions.stop();
    const same = tabs.findIndex(
      (tab) => tab.query === query && (tab.variables || null) === variables,
    );
    if (same >= 0) {
      actions.changeTab(same);
    } else {
      actions.addTab();
      actions.updateActiveTabValues({ query, variables, operationName: example.title });
      queryEditor?.setValue(query);
      variableEditor?.setValue(variables ?? '');
    }
    if (isNarrow()) actions.setVisiblePlugin(null);
    queryEditor?.setScrollTop(0);
  }

  return (
    <section aria-label="Examples" className="examples">
      <h2>Examples</h2>
      <p>
        Each opens in a tab, with ids from your data. Nothing runs until you press the execute
        button.
      </p>
      {groups.map(({ title, examples }) => (
        <section key={title} aria-label={title}>
          <h3>{title}</h3>
          {title === 'Mutations' && <p>These change data when you run them.</p>}
          <ul>
            {examples.map((example) => (
              <li key={example.title}>
                <button type="button" onClick={() => void open(example)}>
                  <code>{example.title}</code>
                  <span>{example.summary}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}

function Icon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.2" aria-hidden="true">
      <rect x="1.6" y="2.1" width="12.8" height="11.8" rx="1.5" />
      <path d="M4.3 5.7 6.3 8l-2 2.3M8.2 10.5h3.5" strokeLinecap="round" />
    </svg>
  );
}

export const EXAMPLES: GraphiQLPlugin = { title: 'Examples', icon: Icon, content: Examples };
