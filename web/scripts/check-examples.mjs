import { readFileSync } from 'node:fs';
import {
  buildSchema,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  parse,
  validate,
} from 'graphql';
import { examples, write } from '../src/graphiql/examples.js';
import { documents } from './documents.mjs';

const schemaPath = process.argv[2] ?? new URL('../../schema.graphql', import.meta.url);
const schema = buildSchema(readFileSync(schemaPath, 'utf8'));

function problems(title, { query, variables }) {
  const document = parse(query);
  const operation = getOperationAST(document);
  if (operation?.name?.value !== title) {
    return [new GraphQLError(`The operation should be named ${title}, as its tab is.`)];
  }
  const invalid = validate(schema, document);
  if (invalid.length > 0) return invalid;
  const definitions = operation.variableDefinitions ?? [];
  return getVariableValues(schema, definitions, JSON.parse(variables ?? '{}')).errors ?? [];
}

const id = '018f3c5e-7b1a-7c3d-9e2f-4a5b6c7d8e9f';
const attempt = { runId: id, attemptToken: id };
// With data, with an empty database, and with a server that does not answer.
const situations = [{ job: id, run: id, configuration: id, agent: id, attempt }, {}, undefined];

for (const example of examples) {
  for (const facts of situations) {
    for (const error of problems(example.title, write(example, facts))) {
      const line = error.locations?.[0]?.line;
      console.error(`${example.title}${line ? `:${line}` : ''}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}

let blocks = 0;
for (const document of documents) {
  for (const target of document.brokenLinks()) {
    console.error(`${document.name}: ${target} does not exist`);
    process.exitCode = 1;
  }
  for (const { text, line } of document.blocks('graphql')) {
    blocks += 1;
    for (const error of validate(schema, parse(text))) {
      const at = line + (error.locations?.[0]?.line ?? 1);
      console.error(`${document.name}:${at}: ${error.message}`);
      process.exitCode = 1;
    }
  }
}
if (blocks === 0) throw new Error('The documents should have GraphQL in them.');

const shown = new Set(examples.map(({ title }) => title));
for (const field of Object.keys(schema.getQueryType()?.getFields() ?? {})) {
  if (!shown.has(field)) console.warn(`note: the root field ${field} has no example`);
}

if (!process.exitCode) {
  console.log(`${examples.length} examples and ${blocks} blocks of the documents are valid.`);
}
