// Writes what TypeScript knows of ../schema.graphql, for gql.tada: src/dashboard/graphql-env.d.ts.
// gql.tada's own command needs an older TypeScript than the one here.
import { readFileSync, writeFileSync } from 'node:fs';
import { minifyIntrospection, outputIntrospectionFile } from '@gql.tada/internal';
import { buildSchema, introspectionFromSchema } from 'graphql';

const at = (path) => new URL(path, import.meta.url);
const schema = buildSchema(readFileSync(at('../../schema.graphql'), 'utf8'));
const introspection = minifyIntrospection(introspectionFromSchema(schema));
const text = outputIntrospectionFile(introspection, { fileType: '.d.ts', shouldPreprocess: true });
writeFileSync(at('../src/dashboard/graphql-env.d.ts'), text);
