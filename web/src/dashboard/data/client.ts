import { print } from '@0no-co/graphql.web';
import type { TadaDocumentNode } from 'gql.tada';
import { graphqlUrl } from '../base';
import { t } from '../i18n';
import { type GraphQLError, noteErrors } from './errors';

/** Why a request failed, for the page to say what the user can do about it. */
export type Trouble = 'offline' | 'signed-out' | 'forbidden' | 'refused' | 'server' | 'defect';

export class RequestError extends Error {
  readonly trouble: Trouble;
  /** The API's own code, where it gave one. */
  readonly code: string | undefined;

  constructor(trouble: Trouble, message: string, code?: string) {
    super(message);
    this.trouble = trouble;
    this.code = code;
  }
}

/** What is wrong, from a GraphQL response's errors. */
export function failureOf(errors: readonly GraphQLError[]): RequestError {
  const [first] = errors;
  const code = first?.extensions?.code;
  const message = first?.message ?? t.errors.noData;
  switch (code) {
    case 'UNAUTHENTICATED':
      return new RequestError('signed-out', message, code);
    case 'FORBIDDEN':
      return new RequestError('forbidden', message, code);
    case 'DATABASE_UNAVAILABLE':
      return new RequestError('offline', message, code);
    case 'INTERNAL':
      return new RequestError('server', message, code);
    default:
      return new RequestError('refused', message, code);
  }
}

export interface GraphQLResponse<Data> {
  data?: Data | null | undefined;
  errors?: readonly GraphQLError[] | undefined;
}

/**
 * The data of a response. Errors of fields are noted in it, where `errorOf` finds them, so that
 * pages show the rest. Fails if a root field has no value, if the session has ended, or if the
 * database is away.
 */
export function dataOf<Data>({ data, errors = [] }: GraphQLResponse<Data>): Data {
  if (!data) throw failureOf(errors);
  const roots = data as Record<string, unknown>;
  for (const error of errors) {
    const failure = failureOf([error]);
    const hasRoot = (roots[error.path?.[0] ?? ''] ?? null) !== null;
    if (!hasRoot || failure.trouble === 'signed-out' || failure.trouble === 'offline') {
      throw failure;
    }
  }
  noteErrors(data, errors);
  return data;
}

/** The part of a typed document that its text is made from. */
type Document = { definitions: readonly unknown[] };

export interface Operation {
  query: string;
  operationName: string;
}

const operations = new WeakMap<object, Operation>();

/** A document as it is sent. Each is printed once. */
export function operationOf(document: Document): Operation {
  let operation = operations.get(document);
  if (operation === undefined) {
    const [definition] = document.definitions as readonly { name?: { value: string } }[];
    const name = definition?.name?.value;
    operation = {
      query: print(document as unknown as Parameters<typeof print>[0]),
      operationName: name ?? '',
    };
    operations.set(document, operation);
  }
  return operation;
}

/** A request that takes longer than this has failed. */
const TIMEOUT = 30_000;

export async function request<Data, Variables>(
  document: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Data> {
  const limit = AbortSignal.timeout(TIMEOUT);
  let response: Response;
  try {
    response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
      },
      body: JSON.stringify({ ...operationOf(document), variables }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new RequestError('offline', t.errors.noResponse);
  }
  if (response.status === 401) {
    throw new RequestError('signed-out', t.errors.notSignedIn, 'UNAUTHENTICATED');
  }
  let answer: GraphQLResponse<Data>;
  try {
    answer = await response.json();
  } catch {
    throw response.status >= 500
      ? new RequestError('offline', t.errors.status(response.status))
      : new RequestError('defect', t.errors.notGraphQL(response.status));
  }
  return dataOf(answer);
}
