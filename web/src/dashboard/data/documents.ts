/**
 * Every operation of the dashboard. Each asks for what its page shows and no more; a test runs
 * them all against the server, and another looks for the fields in the pages.
 */
import { graphql } from './graphql';

/** What rows of jobs show of a run, which changes while it goes on. */
export const runProgress = graphql(`
  fragment RunProgress on JobRun {
    updateDate
    agentStartTime
    agentPercentCompleted
    agentExpectedTasksCount
    agentTasksCount
    agentTasksCompletedCount
    agentTasksFailedCount
    agentCluesCount
    agentResultMessage
    processingState
    isStale
    isOverdue
    percentCompleted
    tasksPerMinute
    estimatedRemaining
    agent { id name }
  }
`);

/** What the live rows of jobs and the list of what executes show. */
export const liveJob = graphql(
  `
  fragment LiveJob on Job {
    id
    name
    state
    configuration { name }
    currentRun { ...RunProgress }
  }
`,
  [runProgress],
);

export const executingJobsLive = graphql(
  `
  subscription ExecutingJobsLive {
    executingJobs {
      isSnapshot
      jobs { ...LiveJob }
      removed { id state }
    }
  }
`,
  [liveJob],
);

export const executingJobsNow = graphql(
  `
  query ExecutingJobsNow {
    executingJobs { ...LiveJob }
  }
`,
  [liveJob],
);

export const counts = graphql(`
  fragment Counts on JobCounts {
    completed
    executing
    failed
    queued
    cancelled
    unknown
    executionCompleted
    cancelling
    submitting
    total
  }
`);

export const jobCountsLive = graphql(
  `
  subscription JobCountsLive($configurationId: UUID) {
    jobCounts(configurationId: $configurationId) { ...Counts }
  }
`,
  [counts],
);

export const jobCountsNow = graphql(
  `
  query JobCountsNow($configurationId: UUID) {
    jobCounts(configurationId: $configurationId) { ...Counts }
  }
`,
  [counts],
);

/** The counters do not know agents, so these are counted, each up to the API's bound. */
export const agentCounts = graphql(`
  query AgentCounts($agentId: UUID!) {
    completed: jobs(state: COMPLETED, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    executing: jobs(state: EXECUTING, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    failed: jobs(state: FAILED, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    cancelled: jobs(state: CANCELLED, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    queued: jobs(state: QUEUED, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    unknown: jobs(state: UNKNOWN, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    executionCompleted: jobs(state: EXECUTION_COMPLETED, filter: { agentIds: [$agentId] }, take: 1) {
      totalCount
    }
    cancelling: jobs(state: CANCELLING, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
    submitting: jobs(state: SUBMITTING, filter: { agentIds: [$agentId] }, take: 1) { totalCount }
  }
`);

export const jobList = graphql(
  `
  query JobList($page: Int!, $take: Int!, $filter: JobFilter, $orderBy: JobOrder) {
    jobs(page: $page, take: $take, filter: $filter, orderBy: $orderBy) {
      totalCount
      totalCountIsExact
      pageCount
      items {
        id
        name
        type
        priority
        state
        createdDate
        scheduledDate
        queuedDate
        updateDate
        configuration { id name provider }
        currentRun {
          ...RunProgress
          agentEndTime
          agentElapsedExecutionTime
          agentCluesCompletedCount
          processingTasksReceivedCluesCount
        }
      }
    }
  }
`,
  [runProgress],
);

export const configurationNames = graphql(`
  query ConfigurationNames($page: Int!) {
    configurations(page: $page, take: 200) {
      hasNextPage
      items { id name provider }
    }
  }
`);

export const agentNames = graphql(`
  query AgentNames($page: Int!) {
    agents(page: $page, take: 200) {
      hasNextPage
      items { id name }
    }
  }
`);

export const failureGroupTitle = graphql(`
  query FailureGroupTitle($id: UUID!) {
    failureGroup(id: $id) { title }
  }
`);

/** The failures with the same cause as a run's. */
export const sameFailure = graphql(`
  query SameFailure($id: UUID!) {
    jobRun(id: $id) {
      failureGroup { id jobCount firstSeen acknowledgement { by note } }
    }
  }
`);

export const configurationList = graphql(
  `
  query ConfigurationList($page: Int!) {
    configurations(page: $page, take: 200) {
      totalCount
      hasNextPage
      items {
        id
        name
        provider
        counts { ...Counts }
        jobs(take: 1) { createdDate updateDate }
      }
    }
  }
`,
  [counts],
);

export const configurationDetail = graphql(`
  query ConfigurationDetail($id: UUID!) {
    configuration(id: $id) { name provider createdDate updateDate }
  }
`);

export const agentList = graphql(`
  query AgentList($page: Int!) {
    agents(page: $page, take: 200) {
      totalCount
      hasNextPage
      items {
        id
        name
        lastSeen
        runs(take: 20) {
          id
          jobId
          agentState
          agentEndTime
          updateDate
          agentResultMessage
          job { name }
        }
      }
    }
  }
`);

export const agentDetail = graphql(`
  query AgentDetail($id: UUID!) {
    agent(id: $id) { name createdDate updateDate lastSeen }
  }
`);

/** The 42 fields, and what the API makes of them. */
export const fullRun = graphql(`
  fragment FullRun on JobRun {
    id
    jobId
    agentId
    agentKey
    updateDate
    agentResultIsSuccess
    agentResultIsCancellationRequested
    agentResultMessage
    agentState
    agentQueuedDate
    agentStartTime
    agentEndTime
    agentElapsedQueuedTime
    agentElapsedExecutionTime
    agentPercentCompleted
    agentLastSubmittedDate
    agentExpectedTasksCount
    agentTasksCount
    agentTasksQueuedCount
    agentTasksCompletedCount
    agentTasksFailedCount
    agentCluesCount
    agentCluesQueuedCount
    agentCluesCompletedCount
    agentCluesFailedCount
    processingState
    processingQueuedDate
    processingStartTime
    processingEndTime
    processingTasksCount
    processingTasksQueuedCount
    processingTasksCompletedCount
    processingTasksFailedCount
    processingTasksSkippedCount
    processingTaskRetriesCount
    processingTasksAlreadyExistsCount
    processingTasksAlreadyUpToDateCount
    processingTasksIgnoredCount
    processingTasksReceivedPayloadsCount
    processingTasksReceivedCluesCount
    processingTasksReceivedLogLinesCount
    processingUpdatedDate
    isStale
    isOverdue
    percentCompleted
    tasksPerMinute
    estimatedRemaining
    forecast { earliest likely latest }
    agent { name }
  }
`);

export const jobRunNow = graphql(
  `
  query JobRunNow($id: UUID!) {
    jobRun(id: $id) { ...FullRun }
  }
`,
  [fullRun],
);

export const jobRunLive = graphql(
  `
  subscription JobRunLive($id: UUID!) {
    jobRun(id: $id) { ...FullRun }
  }
`,
  [fullRun],
);

export const jobDetail = graphql(`
  query JobDetail($id: UUID!, $take: Int!) {
    job(id: $id) {
      id
      name
      type
      priority
      state
      createdDate
      scheduledDate
      queuedDate
      currentRunId
      configuration { id name provider }
      history { state at by principal message }
      allRuns: runs(take: 200) { id }
      runs(take: $take) {
        id
        agentState
        agentStartTime
        agentEndTime
        agentElapsedExecutionTime
        agentQueuedDate
        agentResultMessage
        agent { name }
      }
    }
  }
`);

/** Whether a job that is followed has ended. */
export const jobState = graphql(`
  query JobState($id: UUID!) {
    job(id: $id) { state }
  }
`);

export const requestCancellation = graphql(`
  mutation RequestCancellation($input: RequestCancellationInput!) {
    requestCancellation(input: $input) {
      countedAt
      matchedCount
      matchedCountIsExact
      results { refusal { code message } }
    }
  }
`);

export const retryJobs = graphql(`
  mutation RetryJobs($input: RetryJobsInput!) {
    retryJobs(input: $input) {
      countedAt
      matchedCount
      matchedCountIsExact
      results { refusal { code message } }
    }
  }
`);

export const forceCancel = graphql(`
  mutation ForceCancel($input: ForceCancelInput!) {
    forceCancel(input: $input) {
      results { refusal { code message } }
    }
  }
`);

/** The jobs that match, page by page, for an action on all of them. */
export const jobTargets = graphql(`
  query JobTargets($first: Int!, $after: String, $filter: JobFilter) {
    jobsConnection(first: $first, after: $after, filter: $filter) {
      pageInfo { hasNextPage endCursor }
      nodes { id createdDate updateDate scheduledDate }
    }
  }
`);

/** The list page by page for a file, by cursors, so that jobs which are added meanwhile do no harm. */
export const jobExport = graphql(`
  query JobExport($after: String, $filter: JobFilter, $orderBy: JobOrder) {
    jobsConnection(first: 200, after: $after, filter: $filter, orderBy: $orderBy) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id
        name
        type
        state
        priority
        createdDate
        scheduledDate
        updateDate
        configuration { id name provider }
        currentRun {
          id
          updateDate
          tasksPerMinute
          agentStartTime
          agentEndTime
          agentElapsedExecutionTime
          agentPercentCompleted
          agentTasksCount
          agentTasksCompletedCount
          agentTasksFailedCount
          agentCluesCount
          agentCluesCompletedCount
          agentResultMessage
          processingState
          processingTasksReceivedCluesCount
          agent { id name }
        }
      }
    }
  }
`);

/** Who is signed in, for the actions that it may do. */
export const whoAsks = graphql(`
  query WhoAsks {
    principal { name role expires }
  }
`);
