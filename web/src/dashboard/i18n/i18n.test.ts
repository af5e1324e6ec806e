import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { parseSync } from 'vite';
import { expect, it } from 'vitest';
import { preferredLanguage } from '.';
import { de } from './de';
import { en } from './en';

const folder = join(import.meta.dirname, '..');
const isSource = (path: string) =>
  /\.tsx?$/.test(path) && !/(\.test|\.d)\.tsx?$/.test(path) && !path.startsWith(`i18n${sep}`);

interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

/** Attributes and properties whose value is read, by people or by screen readers. */
const readOut =
  /^(title|placeholder|alt|label|legend|hint|name|summary|said|aria-(label|description|valuetext|roledescription))$/;
/** Attributes whose value is never read. */
const technical = /^(class(Name)?|style|d|viewBox|to|href|role|type|key|id)$/;
/** Radio buttons have names that group them. */
const groupNames = ['theme', 'hours', 'sort', 'time', 'match', 'group'];
/** Names that are the same in every language. */
const sameEverywhere = ['agent-jobs', 'agent-jobs import', 'queueJobs', 'saveConfiguration'].concat(
  ['GraphiQL', 'UTC', 'Enter', 'Escape', 'Esc'],
);

const isText = (text: string) => /\p{L}{2}/u.test(text);
/** Two words, or one with a capital and small letters after it; no selector, no type of a file. */
const isProse = (text: string) =>
  !/[[\]/=]/.test(text) &&
  (/\p{L}{2,}[,.:…]? \p{L}{2,}/u.test(text) || /^\p{Lu}\p{Ll}+[.…]?$/u.test(text));

/** The texts of a source that its users would see, with the number of their line. */
function literalsOf(path: string, source: string): string[] {
  const found: string[] = [];
  const report = (node: Node, text: string) => {
    const line = source.slice(0, node.start).split('\n').length;
    found.push(`${path}:${line} ${text.trim()}`);
  };
  const textOf = (node: Node): string | undefined => {
    if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
    if (node.type === 'TemplateElement') return (node.value as { cooked: string }).cooked;
    return undefined;
  };
  const visit = (node: Node, attribute: string): void => {
    if (node.type.startsWith('TS') || node.type === 'ImportDeclaration') {
      if (isNode(node.expression)) visit(node.expression, attribute);
      return;
    }
    // Messages to developers.
    const callee = node.callee as Node | undefined;
    if (node.type === 'NewExpression' && callee?.name === 'Error') return;
    if (node.type === 'JSXText') {
      const text = (node.value as string).trim();
      if (isText(text) && !sameEverywhere.includes(text)) report(node, text);
      return;
    }
    const text = textOf(node);
    if (text !== undefined && !technical.test(attribute)) {
      const isRead = readOut.test(attribute) && isText(text) && !groupNames.includes(text);
      if ((isRead || isProse(text)) && !sameEverywhere.includes(text)) report(node, text);
    }
    let inside = attribute;
    if (node.type === 'JSXAttribute') inside = String((node.name as Node).name);
    // What is called or made in an attribute is a value of its own.
    else if (node.type.endsWith('Function') || node.type === 'ArrowFunctionExpression') inside = '';
    for (const [key, child] of Object.entries(node)) {
      if (node.type === 'Property' && key === 'key') continue;
      const property =
        node.type === 'Property' && key === 'value' ? String((node.key as Node).name) : inside;
      // As a property it names things in the code, too.
      const name = property === 'name' && node.type === 'Property' ? '' : property;
      for (const each of Array.isArray(child) ? child : [child]) {
        if (isNode(each)) visit(each, name);
      }
    }
  };
  visit(parseSync(path, source).program as unknown as Node, '');
  return found;
}

it('a literal text outside the language files is found', () => {
  const source = `
    import { x } from 'Not Read';
    const label = 'Retry all jobs';
    export const A = ({ n }) => (
      <p title="Retry" className="icon-button small" aria-label={n > 1 ? 'many' : x}>
        Failed {n} <b>{\`\${n} more jobs\`}</b> <i>{say('Failed')}</i>
      </p>
    );
    throw new Error('not for users');`;
  expect(literalsOf('a.tsx', source).map((each) => each.split(' ').slice(1).join(' '))).toEqual([
    'Retry all jobs',
    'Retry',
    'many',
    'Failed',
    'more jobs',
    'Failed',
  ]);
});

it('no source outside the language files has a text of its own', () => {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isSource);
  expect(paths.length).toBeGreaterThan(50);
  // Columns of a CSV file and GraphQL are the same in every language.
  const others = paths.filter((path) => !/(^|[/\\])(csv|([a-z]+-)?documents)\.ts$/.test(path));
  const found = others.flatMap((path) =>
    literalsOf(path, readFileSync(join(folder, path), 'utf8')),
  );
  expect(found).toEqual([]);
});

it('every text is used', () => {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isSource);
  const code = paths.map((path) => readFileSync(join(folder, path), 'utf8')).join('\n');
  const unused = Object.entries(en).flatMap(([group, texts]) => {
    // A group that is read by a key of another one.
    if (typeof texts !== 'object' || new RegExp(`\\bt\\.${group}\\[`).test(code)) return [];
    return Object.keys(texts)
      .filter((key) => !new RegExp(`\\b${group}\\.${key}\\b`).test(code))
      .map((key) => `${group}.${key}`);
  });
  // Read as `t[noun].title`, by `action`, by the name of a field, and by the page of a list.
  const indirect = [
    'filters.from',
    'filters.to',
    ...Object.keys(en.units).map((key) => `units.${key}`),
    ...['agents', 'configurations'].flatMap((group) =>
      ['count', 'search', 'none', 'noMatch'].map((key) => `${group}.${key}`),
    ),
  ];
  expect(unused.filter((key) => !indirect.includes(key))).toEqual([]);
});

it('German has all texts, and the plurals of both languages are right', () => {
  const keysOf = (value: unknown): unknown =>
    typeof value === 'object' && value !== null && !('$$typeof' in value)
      ? Object.entries(value).map(([key, each]) => [key, keysOf(each)])
      : typeof value;
  expect(keysOf(de)).toEqual(keysOf(en));
  expect([0, 1, 2].map((n) => en.actions.jobs(n, true))).toEqual(['0 jobs', '1 job', '2 jobs']);
  expect([1, 2].map(de.configurations.count)).toEqual(['1 Konfiguration', '2 Konfigurationen']);
});

it('what a list is filtered by is a phrase', () => {
  const scope = {
    configurations: ['CRM', 'ERP'],
    agents: [],
    providers: ['hubspot'],
    priority: 4,
    search: 'x',
    message: 'refused',
    processing: 'failed',
    failureGroup: 'timeout after <duration>',
    time: 'finished',
    range: 'yesterday',
    from: undefined,
    to: undefined,
    minDuration: '10m',
    maxDuration: '2h',
  } as const;
  const failed = ['FAILED', '1,529'] as const;
  expect(en.actions.scope({ ...scope, states: [failed, ['CANCELLED', '606']] })).toBe(
    'all failed (1,529) and cancelled (606) jobs of CRM or ERP, of provider hubspot, with priority High, matching “x”, with “refused” in the message, with the failure “timeout after <duration>”, with failed processing, finished since yesterday, that ran for 10m or longer, that ran for 2h or less',
  );
  expect(de.actions.scope({ ...scope, configurations: ['CRM'], states: [failed] })).toBe(
    'alle fehlgeschlagenen (1,529) Jobs von CRM, des Anbieters hubspot, mit Priorität Hoch, passend zu „x“, mit „refused“ in der Meldung, mit dem Fehler „timeout after <duration>“, mit fehlgeschlagener Verarbeitung, beendet seit gestern, mit einer Dauer von mindestens 10m, mit einer Dauer von höchstens 2h',
  );
});

it('the language is the first of the browser’s that there is', () => {
  expect(preferredLanguage(['fr-FR', 'de-AT', 'en'])).toBe('de');
  expect(preferredLanguage(['EN-us', 'de'])).toBe('en');
  expect(preferredLanguage(['fr', 'constructor'])).toBe('en');
  expect(preferredLanguage([])).toBe('en');
});
