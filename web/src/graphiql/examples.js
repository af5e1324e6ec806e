/**
 * The examples that GraphiQL offers, for a first meeting with this API. The name of the operation is
 * the title of the example and of its tab. Each works when it is run as it is.
 *
 * Plain JavaScript without imports, so that scripts and tests can read it as it is.
 *
 * @typedef {{ runId: string, attemptToken: string }} Attempt An attempt that this page has started.
 *
 * @typedef {object} Facts What there is in the database, by id; nothing where there is none.
 * @property {string | undefined} [job]
 * @property {string | undefined} [run]
 * @property {string | undefined} [configuration]
 * @property {string | undefined} [agent]
 * @property {Attempt | undefined} [attempt]
 *
 * @typedef {object} Example
 * @property {string} title
 * @property {string} summary
 * @property {string} query
 * @property {keyof Facts} [needs] What the variables are filled in with.
 * @property {(facts: Facts) => Record<string, unknown>} [variables]
 * @property {string} [empty] What to run instead where that is missing.
 */

/** What to do about what is missing. */
const missing = {
  job: 'There is no job yet. Run queueJobs, then open this\nexample again.',
  run: 'No job has a run yet. Run claimJob, then open this\nexample again.',
  configuration:
    'There is no configuration yet. Run saveConfiguration,\nthen open this example again.',
  agent: 'There is no agent yet. Run registerAgent, then open\nthis example again.',
  attempt: 'No run has been started from this page. Run claimJob,\nthen open this example again.',
};

/** For variables whose values are not known. */
const noSuchId = '00000000-0000-0000-0000-000000000000';
const placeholders = {
  job: noSuchId,
  run: noSuchId,
  configuration: noSuchId,
  agent: noSuchId,
  attempt: { runId: noSuchId, attemptToken: noSuchId },
};

/** @param {string} text */
const comment = (text) => text.replace(/^/gm, '# ');

/**
 * An example as its tab shows it. Without facts, as when the server does not answer, its ids are
 * placeholders.
 *
 * @param {Example} example
 * @param {Facts} [facts]
 * @returns {{ query: string, variables: string | null }}
 */
export function write({ query, needs, variables, empty }, facts) {
  const json = (/** @type {Facts} */ values) =>
    variables ? JSON.stringify(variables(values), null, 2) : null;
  if (!needs) return { query, variables: json({}) };
  if (!facts) {
    const note = comment('The ids are placeholders: the server did not answer.');
    return { query: `${note}\n#\n${query}`, variables: json(placeholders) };
  }
  if (facts[needs] || !empty) return { query, variables: json({ ...placeholders, ...facts }) };
  const instead = comment('Until then, this runs instead:');
  return { query: `${comment(missing[needs])}\n#\n${instead}\n${empty}`, variables: null };
}

/** @type {{ title: string, examples: Example[] }[]} */
export const groups = [
  {
    title: 'Queries',
    examples: [
      {
        title: 'jobCounts',
        summary: 'Number of jobs in each state',
        query: `# How many jobs are in each state: the numbers for the
# top of a dashboard.
#
# Press the play button, or Ctrl+Enter, to run this.
# Ctrl+Space completes as you type, and the book icon on
# the left opens the documentation of everything.
#
# The counts are exact: each one is the number of jobs in
# the list filtered by that state. byState holds the same
# numbers as a list, which is handy for a chart.
#
# For a single source, write
#   jobCounts(configurationId: "…")
# with an id from the configurations example.
query jobCounts {
  jobCounts {
    completed
    executing
    failed
    queued
    cancelled
    executionCompleted
    cancelling
    submitting
    unknown
    total
    byState {
      state
      count
    }
  }
}
`,
      },
      {
        title: 'jobStatistics',
        summary: 'What finished in the last 30 days',
        query: `# How many runs finished, failed and were cancelled on
# each day, how long they waited and how long they took:
# the numbers for a chart.
#
# bucket is HOUR, DAY or WEEK; without it there is one
# entry for the whole time. groupBy tells apart what is in
# the list: CONFIGURATION, PROVIDER, AGENT, STATE, NAME.
# Without from and to it is about the last 30 days. Days
# are those of UTC, and days without any run are left out.
#
# Times are in milliseconds. The statistics stay when old
# jobs are removed.
query jobStatistics {
  jobStatistics(bucket: DAY, groupBy: [PROVIDER]) {
    start
    provider
    finished
    failed
    failureRate
    wait {
      p50
      p95
    }
    duration {
      p50
      p95
      max
    }
    tasks
    clues
  }
}
`,
      },
      {
        title: 'jobs',
        summary: 'One page of jobs, with filters',
        query: `# One page of jobs, the newest first: what a table with
# page numbers needs.
#
# page counts from 0, and take is the number of rows in a
# page. These can be added next to them:
#   state: FAILED                a single state
#   configurationId: "…"         from configurations
#   filter: {                    conditions that all hold
#     states: [QUEUED, EXECUTING]
#     search: "hubspot"
#     createdAfter: "2026-01-31T00:00:00Z"
#   }
# JobFilter in the documentation has all conditions.
#   orderBy: { field: DURATION }  the longest first
#
# totalCount is exact where only states and configurations
# filter; otherwise counting stops at 10,000, which
# totalCountIsExact tells.
# currentRun is the newest attempt at the job, and null
# until there is one.
query jobs {
  jobs(page: 0, take: 20) {
    items {
      id
      name
      type
      priority
      state
      createdDate
      scheduledDate
      configuration {
        id
        name
        provider
      }
      currentRun {
        id
        agentPercentCompleted
        agentTasksCompletedCount
        agentTasksCount
        estimatedRemaining
      }
    }
    page
    take
    totalCount
    pageCount
    hasNextPage
  }
}
`,
      },
      {
        title: 'failedSince',
        summary: 'What failed since a moment, and why',
        query: `# The jobs that failed since a moment, those that failed
# last first. finishedAfter is about their ends:
# createdAfter would leave out jobs that began earlier.
#
# These narrow the list further:
#   messageContains: "quota"
#   providers: ["hubspot"]
#   minDuration: 3600000         an hour or longer
query failedSince {
  jobs(
    filter: { states: [FAILED], finishedAfter: "2026-01-31T00:00:00Z" }
    orderBy: { field: FINISHED_DATE }
  ) {
    items {
      id
      name
      configuration {
        name
      }
      currentRun {
        agentEndTime
        agentResultMessage
      }
    }
    totalCount
    hasNextPage
  }
}
`,
      },
      {
        title: 'jobsConnection',
        summary: 'Jobs by cursor, for endless scrolling',
        query: `# The same jobs with the same filters, as a Relay
# connection: for endless scrolling.
#
# Unlike a page number, a cursor neither repeats nor skips
# a job when new ones arrive while a user scrolls.
# For the next part, add after: "…" with the endCursor.
# To go back, use last and before in place of first and
# after.
query jobsConnection {
  jobsConnection(first: 20) {
    edges {
      cursor
      node {
        id
        name
        state
        createdDate
      }
    }
    pageInfo {
      hasNextPage
      hasPreviousPage
      startCursor
      endCursor
    }
  }
}
`,
      },
      {
        title: 'executingJobs',
        summary: 'Running jobs with their progress',
        query: `# Just the jobs that an agent is working on now, with
# their progress: for a small list in the page's header.
# An empty list means that nothing is running.
#
# Percentages go from 0 to 100, and estimatedRemaining is
# in milliseconds. Null means "not known yet", which is
# not the same as 0. isStale: the agent has not reported
# for a while, and may be gone.
query executingJobs {
  executingJobs {
    id
    name
    state
    configuration {
      name
      provider
    }
    currentRun {
      id
      updateDate
      agentStartTime
      agentPercentCompleted
      agentTasksCompletedCount
      agentTasksCount
      agentTasksFailedCount
      tasksPerMinute
      estimatedRemaining
      isStale
    }
  }
}
`,
      },
      {
        title: 'jobRun',
        summary: 'All values of one run',
        needs: 'run',
        query: `# Everything about one run: an attempt at a job by one
# agent.
#
# The id below, under Variables, is filled in from your
# data. A job's id gives that job's current run, a run's
# own id that run. The answer is null when there is no
# such run.
#
# A run has two halves that overlap. In the agent half,
# the agent finds records, called clues, and submits them.
# In the processing half, the server works on them.
#
# Dates are in UTC; elapsed times and estimatedRemaining
# in milliseconds. agentKey is shown in full only with a
# role that may see it.
query jobRun($id: UUID!) {
  jobRun(id: $id) {
    id
    jobId
    agentId
    agentKey
    updateDate

    isActive
    isStale
    tasksPerMinute
    estimatedRemaining

    agentState
    agentResultIsSuccess
    agentResultIsCancellationRequested
    agentResultMessage
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

    job {
      id
      name
      state
    }
    agent {
      id
      name
    }
  }
}
`,
        empty: `query jobRun {
  jobs(take: 1) {
    items {
      id
      currentRun {
        id
      }
    }
    totalCount
  }
}
`,
        variables: ({ run }) => ({ id: run }),
      },
      {
        title: 'job',
        summary: 'One job with its runs',
        needs: 'job',
        query: `# One job with its attempts: what a details page needs.
#
# The id below, under Variables, is filled in from your
# data. The answer is null when there is no such job.
#
# A job that was retried has several runs. The newest
# comes first, and is the currentRun.
query job($id: UUID!) {
  job(id: $id) {
    id
    name
    type
    priority
    state
    createdDate
    scheduledDate
    updateDate
    configuration {
      id
      name
      provider
    }
    currentRun {
      id
      agentPercentCompleted
      agentResultMessage
      isActive
      estimatedRemaining
    }
    runs(take: 20) {
      id
      agentState
      agentResultIsSuccess
      agentResultMessage
      agentStartTime
      agentEndTime
      agent {
        id
        name
      }
    }
  }
}
`,
        empty: `query job {
  jobs(take: 1) {
    items {
      id
      name
    }
    totalCount
  }
}
`,
        variables: ({ job }) => ({ id: job }),
      },
      {
        title: 'failureGroups',
        summary: 'Failed jobs by their cause',
        query: `# Failed jobs whose messages differ in nothing but ids,
# numbers, times, paths, hosts and quoted values, the last
# failures first.
#
# jobs(filter: { failureGroupId: … }) lists the jobs of a
# group, and retryJobs takes the same filter.
query failureGroups {
  failureGroups(first: 10) {
    totalCount
    nodes {
      id
      title
      sampleMessage
      jobCount
      firstSeen
      lastSeen
      byConfiguration {
        count
        configuration {
          name
        }
      }
      perDay(days: 7) {
        day
        count
      }
      acknowledgement {
        at
        by
        note
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
      },
      {
        title: 'configurations',
        summary: 'Configured sources and their counts',
        query: `# The configured sources that jobs belong to, such as
# "HubSpot EU". Their ids are what configurationId takes
# in the other examples.
#
# counts is the same as jobCounts, for one source alone.
query configurations {
  configurations(page: 0, take: 50) {
    items {
      id
      name
      provider
      createdDate
      counts {
        executing
        queued
        failed
        total
      }
    }
    totalCount
    hasNextPage
  }
}
`,
      },
      {
        title: 'configuration',
        summary: 'One source and its unfinished jobs',
        needs: 'configuration',
        query: `# One source, its counts and its unfinished jobs.
#
# The id below, under Variables, is filled in from your
# data. The answer is null when there is no such
# configuration.
query configuration($id: UUID!) {
  configuration(id: $id) {
    id
    name
    provider
    createdDate
    counts {
      completed
      executing
      failed
      queued
      cancelled
      total
    }
    jobs(
      take: 20
      states: [QUEUED, EXECUTING, EXECUTION_COMPLETED, CANCELLING, SUBMITTING]
    ) {
      id
      name
      state
      createdDate
    }
  }
}
`,
        empty: `query configuration {
  configurations(take: 1) {
    items {
      id
      name
    }
    totalCount
  }
}
`,
        variables: ({ configuration }) => ({ id: configuration }),
      },
      {
        title: 'agents',
        summary: 'Agents and their latest runs',
        query: `# The agents: the programs that do the jobs, each near
# the data that it reads. runs holds what an agent did,
# the newest first.
query agents {
  agents(page: 0, take: 50) {
    items {
      id
      name
      createdDate
      runs(take: 1) {
        id
        agentState
        updateDate
        job {
          id
          name
        }
      }
    }
    totalCount
    hasNextPage
  }
}
`,
      },
      {
        title: 'agent',
        summary: 'One agent and its runs',
        needs: 'agent',
        query: `# One agent and its latest runs.
#
# The id below, under Variables, is filled in from your
# data. The answer is null when there is no such agent.
query agent($id: UUID!) {
  agent(id: $id) {
    id
    name
    createdDate
    runs(take: 20) {
      id
      agentState
      agentStartTime
      agentEndTime
      agentPercentCompleted
      job {
        id
        name
        configuration {
          name
        }
      }
    }
  }
}
`,
        empty: `query agent {
  agents(take: 1) {
    items {
      id
      name
    }
    totalCount
  }
}
`,
        variables: ({ agent }) => ({ id: agent }),
      },
      {
        title: 'principal',
        summary: 'The caller and its permissions',
        query: `# The caller and its permissions: the role of your token,
# the configurations that it is limited to (null: it sees
# all), and when it expires.
query principal {
  principal {
    name
    role
    configurationIds
    agentId
    expires
  }
}
`,
      },
    ],
  },
  {
    title: 'Subscriptions',
    examples: [
      {
        title: 'watchExecutingJobs',
        summary: 'Running jobs, live',
        query: `# Running jobs as they change: what the dashboard shows
# live. Press the button again to stop.
#
# The first event has isSnapshot: true and all executing
# jobs. Later ones have the jobs that changed, and in
# removed those that stopped executing. The answer shows
# the newest event.
#
# It comes over a WebSocket (graphql-transport-ws) or as
# server-sent events; the address is the same, /graphql.
subscription watchExecutingJobs {
  executingJobs {
    isSnapshot
    jobs {
      id
      name
      currentRun {
        agentPercentCompleted
        tasksPerMinute
        estimatedRemaining
        isStale
      }
    }
    removed {
      id
      state
    }
  }
}
`,
      },
      {
        title: 'watchJobCounts',
        summary: 'Number of jobs in each state, live',
        query: `# The number of jobs in each state: once at first, then
# whenever it changes. Press the button again to stop.
subscription watchJobCounts {
  jobCounts {
    completed
    executing
    failed
    queued
    cancelled
    total
  }
}
`,
      },
      {
        title: 'watchJobRun',
        summary: 'One run, live',
        needs: 'run',
        query: `# One run as it is now, and again whenever it changes,
# until it has finished. Press the button again to stop.
#
# The id below, under Variables, is that of a running job
# if there is one.
subscription watchJobRun($id: UUID!) {
  jobRun(id: $id) {
    id
    updateDate
    agentState
    agentPercentCompleted
    agentTasksCompletedCount
    tasksPerMinute
    estimatedRemaining
    processingState
    job {
      name
      state
    }
  }
}
`,
        empty: `subscription watchJobRun {
  jobCounts {
    total
    executing
  }
}
`,
        variables: ({ run }) => ({ id: run }),
      },
    ],
  },
  {
    title: 'Mutations',
    examples: [
      {
        title: 'saveConfiguration',
        summary: 'Create or change a configuration',
        query: `# Running this creates a configuration: one source that
# jobs belong to. With the id of a configuration it
# changes that one.
mutation saveConfiguration($input: SaveConfigurationInput!) {
  saveConfiguration(input: $input) {
    configuration {
      id
      name
      provider
    }
    refusal {
      code
      field
      message
    }
  }
}
`,
        variables: () => ({ input: { name: 'HubSpot EU', provider: 'hubspot' } }),
      },
      {
        title: 'registerAgent',
        summary: 'Create or change an agent',
        query: `# Running this creates an agent. Agents send it when they
# start, with their own id; a repeat changes nothing.
mutation registerAgent($input: RegisterAgentInput!) {
  registerAgent(input: $input) {
    agent {
      id
      name
    }
    refusal {
      code
      field
      message
    }
  }
}
`,
        variables: () => ({ input: { name: 'My agent' } }),
      },
      {
        title: 'queueJobs',
        summary: 'Create jobs',
        needs: 'configuration',
        query: `# Running this creates a job. The configuration's id is
# filled in from your data.
#
# Up to 1,000 jobs fit into one request. A job runs as
# soon as an agent is free, or at its scheduledDate.
#
# clientRequestId is a name of your choice: the same
# request sent again returns the same job.
mutation queueJobs($input: [QueueJobInput!]!) {
  queueJobs(input: $input) {
    results {
      job {
        id
        name
        state
      }
      isRepeat
      refusal {
        code
        field
        message
      }
    }
  }
}
`,
        empty: `mutation queueJobs {
  saveConfiguration(input: { name: "HubSpot EU", provider: "hubspot" }) {
    configuration {
      id
      name
    }
  }
}
`,
        variables: ({ configuration }) => ({
          input: [
            {
              configurationId: configuration,
              name: 'HubSpot contacts crawl',
              priority: 4,
              clientRequestId: 'my-first-job',
            },
          ],
        }),
      },
      {
        title: 'claimJob',
        summary: 'Start the next queued job, as an agent',
        needs: 'agent',
        query: `# Running this starts the next queued job that is due, as
# an agent does. The agent's id is filled in from your
# data.
#
# The attemptToken in the answer authorises the reports on
# the run: reportJobRuns and finishJobRun are filled in
# with it. wait is in milliseconds: if no job is due by
# then, attempt is null.
#
# Agents that are told elsewhere what to run use
# startJobRun.
mutation claimJob($input: ClaimJobInput!) {
  claimJob(input: $input) {
    attempt {
      runId
      attemptToken
      reportIn
      leaseEnd
      job {
        id
        name
        type
        configuration {
          id
          provider
        }
      }
    }
    refusal {
      code
      field
      message
    }
  }
}
`,
        empty: `mutation claimJob {
  registerAgent(input: { name: "My agent" }) {
    agent {
      id
      name
    }
  }
}
`,
        variables: ({ agent }) => ({ input: { agentId: agent, wait: 1000 } }),
      },
      {
        title: 'reportJobRuns',
        summary: 'Report progress, as an agent',
        needs: 'attempt',
        query: `# Running this reports progress of a run, as its agent
# does. The run is the one that you started with claimJob.
#
# One request carries the reports on all runs of an agent.
# It is the heartbeat too: after leaseEnd without a report
# the run counts as lost.
#
# Counters are totals, and sequence counts up, so a report
# that is lost or repeated does no harm. A response means
# that the report is saved. cancellationRequested tells
# the agent to stop.
#
# reportProcessing does the same for the processing half.
mutation reportJobRuns($reports: [JobRunReportInput!]!) {
  reportJobRuns(reports: $reports) {
    results {
      runId
      status
      refusal {
        code
        field
        message
      }
      lastSequence
      cancellationRequested
      reportIn
      leaseEnd
    }
  }
}
`,
        empty: `query reportJobRuns {
  executingJobs {
    id
    name
  }
}
`,
        variables: ({ attempt }) => ({
          reports: [
            {
              ...attempt,
              sequence: 1,
              agentState: 'EXECUTING',
              progress: {
                agentPercentCompleted: 12.5,
                agentExpectedTasksCount: 800,
                agentTasksCompletedCount: 100,
              },
            },
          ],
        }),
      },
      {
        title: 'finishJobRun',
        summary: 'End a run, as an agent',
        needs: 'attempt',
        query: `# Running this ends the run that you started with
# claimJob, as its agent does.
#
# outcome is COMPLETED, FAILED or CANCELLED. A failure
# needs progress: { agentResultMessage: "…" }.
mutation finishJobRun($input: FinishJobRunInput!) {
  finishJobRun(input: $input) {
    result {
      runId
      status
      refusal {
        code
        field
        message
      }
    }
  }
}
`,
        empty: `query finishJobRun {
  executingJobs {
    id
    name
  }
}
`,
        variables: ({ attempt }) => ({ input: { ...attempt, sequence: 2, outcome: 'COMPLETED' } }),
      },
      {
        title: 'requestCancellation',
        summary: 'Cancel jobs (counts only)',
        query: `# Cancels queued jobs, and asks agents to stop running
# ones.
#
# With a filter instead of jobIds it applies to all jobs
# that match. dryRun only counts them: remove it to cancel
# them. forceCancel does not wait for the agents.
mutation requestCancellation($input: RequestCancellationInput!) {
  requestCancellation(input: $input) {
    matchedCount
    matchedCountIsExact
    hasMore
    results {
      job {
        id
        state
      }
      refusal {
        code
        message
      }
    }
  }
}
`,
        variables: () => ({
          input: { filter: { states: ['QUEUED'] }, reason: 'maintenance', dryRun: true },
        }),
      },
      {
        title: 'retryJobs',
        summary: 'Queue finished jobs again (counts only)',
        query: `# Queues finished jobs again. Each attempt is a run of its
# own, so nothing of the failed one is lost.
#
# dryRun only counts them: remove it to retry them. The
# reason is kept in the history, with your name.
mutation retryJobs($input: RetryJobsInput!) {
  retryJobs(input: $input) {
    matchedCount
    hasMore
    results {
      job {
        id
        state
      }
      refusal {
        code
        message
      }
    }
  }
}
`,
        variables: () => ({
          input: { filter: { states: ['FAILED'] }, reason: 'the source is back', dryRun: true },
        }),
      },
    ],
  },
];

export const examples = groups.flatMap(({ examples }) => examples);
