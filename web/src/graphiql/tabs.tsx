import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { parse } from 'graphql';
import { useEffect, useLayoutEffect } from 'react';

/**
 * Makes the operation that is run the open tab's at once. By itself GraphiQL takes up its name a
 * moment later, and runs a tab that was just opened under the name of the last one's operation.
 */
export function useOperationOfTab(wanted: string): void {
  const { setOperationFacts, setOperationName } = useGraphiQLActions();
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  const tab = tabs[activeTabIndex];
  const id = tab?.id;
  const query = tab?.query;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another tab is opened: while it is edited, GraphiQL does it.
  useEffect(() => {
    try {
      const documentAST = parse(query ?? '');
      const operations = documentAST.definitions.filter(
        (definition) => definition.kind === 'OperationDefinition',
      );
      const names = operations.map(({ name }) => name?.value);
      const operationName = names.includes(wanted) ? wanted : names[0];
      setOperationFacts({ documentAST, operations, ...(operationName && { operationName }) });
      // The tab is called after it.
      if (operationName) setOperationName(operationName);
    } catch {
      // What cannot be parsed has no operation.
      setOperationFacts({});
    }
  }, [id, wanted, setOperationFacts, setOperationName]);
}

/**
 * GraphiQL's tabs hold two buttons each, to open and to close it, which a tab of ARIA must not: they
 * become a list of buttons, the open one marked as current.
 */
export function useListOfTabs(): void {
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  useLayoutEffect(() => {
    const list = document.querySelector('.graphiql-tabs');
    list?.setAttribute('role', 'list');
    list?.setAttribute('aria-label', 'Open operations');
    for (const [index, item] of document.querySelectorAll('.graphiql-tab').entries()) {
      item.setAttribute('role', 'listitem');
      item.removeAttribute('aria-selected');
      item
        .querySelector('.graphiql-tab-button')
        ?.setAttribute('aria-current', String(index === activeTabIndex));
      item
        .querySelector('.graphiql-tab-close')
        ?.setAttribute('aria-label', `Close ${tabs[index]?.title}`);
    }
    document.querySelector('#graphiql-session')?.setAttribute('role', 'region');
  }, [tabs, activeTabIndex]);
}
