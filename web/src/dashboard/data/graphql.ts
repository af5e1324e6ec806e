import { initGraphQLTada, type ResultOf, type VariablesOf } from 'gql.tada';
import type { introspection } from '../graphql-env';

/** Typed documents: what is asked for, and with which variables, is checked with the schema. */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { DateTime: string; UUID: string; Long: number };
}>();

export type { ResultOf, VariablesOf };

export type JobState = ReturnType<typeof graphql.scalar<'JobState'>>;
export type ProcessingState = ReturnType<typeof graphql.scalar<'ProcessingState'>>;
