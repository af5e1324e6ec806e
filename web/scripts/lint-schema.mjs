import { fileURLToPath } from 'node:url';
import linter from 'graphql-schema-linter';

const rules = [
  'arguments-have-descriptions',
  'defined-types-are-used',
  'deprecations-have-a-reason',
  'enum-values-all-caps',
  'enum-values-have-descriptions',
  'fields-are-camel-cased',
  'fields-have-descriptions',
  'input-deprecations-have-a-reason',
  'input-object-values-are-camel-cased',
  'input-object-values-have-descriptions',
  'relay-connection-arguments-spec',
  'relay-connection-types-spec',
  'relay-page-info-spec',
  'types-are-pascal-cased',
  'types-have-descriptions',
];

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

process.exitCode = await linter.runner.run(process.stdout, process.stdin, process.stderr, [
  ...process.argv.slice(0, 2),
  `--rules=${rules.join(',')}`,
  `--custom-rule-paths=${here('schema-rules.cjs')}`,
  process.argv[2] ?? here('../../schema.graphql'),
]);
