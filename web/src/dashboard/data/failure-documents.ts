/** What the page of failures asks for, which is loaded with it. */
import { graphql } from './graphql';

export const failureGroup = graphql(`
  fragment FailureGroup on FailureGroup {
    id
    title
    sampleMessage
    firstSeen
    lastSeen
    jobCount
    byConfiguration {
      count
      configuration { id name }
    }
    perDay(days: 30) { day count }
    acknowledgement { at by note }
  }
`);

export const failureGroups = graphql(
  `
  query FailureGroups($filter: FailureGroupFilter, $orderBy: FailureGroupOrder, $after: String) {
    failureGroups(filter: $filter, orderBy: $orderBy, first: 50, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...FailureGroup }
    }
  }
`,
  [failureGroup],
);

export const acknowledgeFailureGroup = graphql(`
  mutation AcknowledgeFailureGroup($input: AcknowledgeFailureGroupInput!) {
    acknowledgeFailureGroup(input: $input) { refusal { message } }
  }
`);

export const reopenFailureGroup = graphql(`
  mutation ReopenFailureGroup($input: ReopenFailureGroupInput!) {
    reopenFailureGroup(input: $input) { refusal { message } }
  }
`);
