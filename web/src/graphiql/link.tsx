import { pick, ToolbarButton, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';

/** What the address asks to be opened in a tab of its own, as in GraphQL over HTTP. */
export function linked(): { query: string; variables: string; operationName: string } | null {
  const parameters = new URLSearchParams(location.search);
  const query = parameters.get('query');
  if (!query) return null;
  // So that the tab is not opened again, over what is changed in it, when the page is loaded again.
  history.replaceState(null, '', location.pathname);
  return {
    query,
    variables: indented(parameters.get('variables') ?? ''),
    operationName: parameters.get('operationName') ?? '',
  };
}

function indented(json: string): string {
  try {
    return json && JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

const LABEL = 'Copy link';

/** Copies an address that opens the present query and its variables. */
export function CopyLink() {
  const { queryEditor, variableEditor, operationName, operations } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'operationName', 'operations'),
  );
  const [label, setLabel] = useState(LABEL);
  useEffect(() => {
    if (label === LABEL) return;
    const timer = setTimeout(() => setLabel(LABEL), 4_000);
    return () => clearTimeout(timer);
  }, [label]);

  async function copy() {
    const link = new URL(location.pathname, location.origin);
    link.searchParams.set('query', queryEditor?.getValue() ?? '');
    const variables = variableEditor?.getValue().trim();
    if (variables) link.searchParams.set('variables', variables);
    if (operationName && (operations?.length ?? 0) > 1) {
      link.searchParams.set('operationName', operationName);
    }
    try {
      await navigator.clipboard.writeText(link.href);
      setLabel('Link copied');
    } catch {
      // Without HTTPS browsers have no clipboard, and some users forbid it.
      history.replaceState(null, '', link);
      setLabel('The link is in the address bar');
    }
  }

  return (
    <>
      <ToolbarButton label={label} onClick={copy}>
        <svg
          className="graphiql-toolbar-icon"
          viewBox="0 0 16 16"
          fill="none"
          stroke="currentColor"
          strokeWidth="1.3"
          strokeLinecap="round"
          aria-hidden="true"
        >
          <path d="M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.4-2.4A2.6 2.6 0 0 0 9 3.3l-.8.8" />
          <path d="M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.3 9A2.6 2.6 0 0 0 7 12.7l.8-.8" />
        </svg>
      </ToolbarButton>
      <span role="status" className="unseen">
        {label === LABEL ? '' : label}
      </span>
    </>
  );
}
