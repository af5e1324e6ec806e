/**
 * The tabs GraphiQL opens with, one for each query and for the mutations to begin with, for somebody
 * who meets this API for the first time. The name of the operation is the title of the tab.
 *
 * Plain JavaScript without imports, so that `scripts/check-examples.mjs` can read it as it is.
 *
 * @type {{ title: string, query: string, variables?: Record<string, unknown> }[]}
 */
export const examples = [
  {
    title: 'jobCounts',
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
# with an id from the configurations tab.
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
    title: 'jobs',
    query: `# One page of jobs, the newest first: what a table with
# page numbers needs.
#
# page counts from 0, and take is the number of rows in a
# page. Any of these filters can be added next to them:
#   state: FAILED                a single state
#   states: [QUEUED, EXECUTING]  any of several states
#   configurationId: "…"         from the configurations tab
#   search: "hubspot"            text to look for
#   createdAfter: "2026-01-31T00:00:00Z"
#   createdBefore: "2026-02-28T00:00:00Z"
#
# totalCount is exact with the first three; with others
# counting stops at 10,000, which totalCountIsExact tells.
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
    title: 'jobsConnection',
    query: `# The same jobs with the same filters, as a Relay
# connection: for endless scrolling.
#
# Unlike a page number, a cursor neither repeats nor skips
# a job when new ones arrive while somebody scrolls.
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
    query: `# Just the jobs that an agent is working on now, with
# their progress: for a small list in the page's header.
# An empty list means that nothing is running.
#
# Percentages go from 0 to 100, and estimatedRemaining is
# in milliseconds. Null means "not known yet", which is
# not the same as 0. isStale says that nothing was heard
# of the run for a while: its agent may be gone.
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
    query: `# Everything about one run: an attempt at a job by one
# agent.
#
# The id goes below, under Variables: get one from the
# jobs tab. A job's id gives that job's current run, and
# a run's own id gives that very run. The answer is null
# when there is no such run.
#
# A run has two halves that overlap. In the agent half,
# the agent finds records, called clues, and submits them.
# In the processing half, the server works on them.
#
# Dates are in UTC; elapsed times and estimatedRemaining
# in milliseconds. agentKey is shown in full only to those
# with the right to see it.
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
    variables: { id: '00000000-0000-0000-0000-000000000000' },
  },
  {
    title: 'job',
    query: `# One job with its attempts: what a details page needs.
#
# The id goes below, under Variables: get one from the
# jobs tab. The answer is null when there is no such job.
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
    variables: { id: '00000000-0000-0000-0000-000000000000' },
  },
  {
    title: 'configurations',
    query: `# The configured sources that jobs belong to, such as
# "HubSpot EU". Their ids are what configurationId takes
# in the other tabs.
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
    query: `# One source, its counts and its unfinished jobs.
#
# The id goes below, under Variables: get one from the
# configurations tab, or from a job's configuration in the
# jobs tab. The answer is null when there is no such
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
    variables: { id: '00000000-0000-0000-0000-000000000000' },
  },
  {
    title: 'agents',
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
    query: `# One agent and its latest runs.
#
# The id goes below, under Variables: get one from the
# agents tab, or add agentId to currentRun in the jobs
# tab. The answer is null when there is no such agent.
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
    variables: { id: '00000000-0000-0000-0000-000000000000' },
  },
  {
    title: 'viewer',
    query: `# Who you are for this service, and what you may do: the
# role of your token, the configurations that it is limited
# to (null: none, you see all), and when it ends.
query viewer {
  viewer {
    name
    role
    configurationIds
    agentId
    expires
  }
}
`,
  },
  {
    title: 'queueJobs',
    query: `# From here on the tabs change something.
#
# Creates jobs, up to 1,000 at a time. They run as soon
# as an agent is free, or when they are scheduled for.
#
# clientRequestId is a name of your choice: when the same
# request is sent again, it returns the same job.
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
    variables: {
      input: [
        {
          configurationId: '00000000-0000-0000-0000-000000000000',
          name: 'HubSpot contacts crawl',
          priority: 4,
          clientRequestId: 'my-first-job',
        },
      ],
    },
  },
  {
    title: 'claimJob',
    query: `# What an agent does first: it takes the next job that is
# due. It gets a token, which its reports show.
#
# The agent's id is from registerAgent, or from the
# agents tab. wait is in milliseconds: without a job the
# answer comes after that, with attempt: null.
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
    variables: { input: { agentId: '00000000-0000-0000-0000-000000000000', wait: 1000 } },
  },
  {
    title: 'reportJobRuns',
    query: `# How agents report, each on all of its runs at once. It
# is the heartbeat, too: without a report for some time
# the agent is taken for lost.
#
# Counters are totals, and sequence counts up, so that a
# report that is lost or comes twice does no harm. An
# answer means that the report is saved. It also tells
# whether somebody wants the run to stop.
#
# reportProcessing does the same for the pipeline, and
# finishJobRun is an agent's last word.
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
    variables: {
      reports: [
        {
          runId: '00000000-0000-0000-0000-000000000000',
          attemptToken: '00000000-0000-0000-0000-000000000000',
          sequence: 1,
          agentState: 'EXECUTING',
          progress: {
            agentPercentCompleted: 12.5,
            agentExpectedTasksCount: 800,
            agentTasksCompletedCount: 100,
          },
        },
      ],
    },
  },
  {
    title: 'requestCancellation',
    query: `# Cancels what waits, and asks agents to stop what runs.
#
# With a filter instead of jobIds it means all jobs that
# match. dryRun only counts them: remove it to do it.
# forceCancel does not wait for the agents.
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
    variables: {
      input: { filter: { states: ['QUEUED'] }, reason: 'maintenance', dryRun: true },
    },
  },
  {
    title: 'retryJobs',
    query: `# Queues jobs again that are over. Each attempt is a run
# of its own, so nothing of the failed one is lost.
#
# dryRun only counts them: remove it to do it.
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
    variables: { input: { filter: { states: ['FAILED'] }, dryRun: true } },
  },
];
