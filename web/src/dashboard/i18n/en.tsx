/** The English texts, which are the source of all others, grouped by what they are about. */
import type { ReactNode } from 'react';
import { listAnd, listOr } from '../format/list';
import { count, plural, pluralForm } from '../format/number';

const job = { one: 'job', other: 'jobs' };
const clue = { one: 'clue', other: 'clues' };
const jobs = (n: number) => plural(n, job);

const states = {
  EXECUTING: { label: 'Executing', hint: 'An agent is running it.' },
  QUEUED: { label: 'Queued', hint: 'Waiting for an agent or for its scheduled time.' },
  FAILED: { label: 'Failed', hint: 'Finished with an error.' },
  COMPLETED: { label: 'Completed', hint: 'Finished successfully.' },
  CANCELLED: { label: 'Cancelled', hint: 'Cancelled.' },
  EXECUTION_COMPLETED: {
    label: 'Agent finished',
    hint: 'The agent has finished; some of its results are not submitted yet.',
  },
  SUBMITTING: { label: 'Submitting', hint: 'The last results are being submitted.' },
  CANCELLING: {
    label: 'Cancelling',
    hint: 'Cancellation requested; waiting for the agent to confirm.',
  },
  UNKNOWN: { label: 'Unknown', hint: 'A state that this version of the service does not know.' },
  SCHEDULED: { label: 'Scheduled', hint: 'Waiting for its scheduled time.' },
};

const lossOf = { failed: 'failed processing', missing: 'missing clues' };

/** Since when something happened, as part of a sentence. */
const within = {
  hour: 'in the last hour',
  today: 'today',
  yesterday: 'since yesterday',
  week: 'in the last 7 days',
  month: 'in the last 30 days',
};

const happened = { created: 'created', started: 'started', finished: 'finished' };

const priority = (n: number) => ({ 0: 'Low', 2: 'Normal', 4: 'High' })[n] ?? String(n);

export const en = {
  common: {
    loading: 'Loading…',
    close: 'Close',
    dismiss: 'Dismiss',
    actions: 'Actions',
    any: 'Any',
    tryAgain: 'Try again',
    breadcrumb: 'Breadcrumb',
    unknown: 'unknown',
    onlyFirst: (n: number) => `Only the first ${count(n)} by name are sorted and searched.`,
  },

  units: {
    day: 'd',
    hour: 'h',
    minute: 'm',
    second: 's',
    justNow: 'just now',
    clockAhead: (time: string) => `${time} ahead: clocks differ`,
  },

  shell: {
    skip: 'Skip to content',
    home: 'agent-jobs: all jobs',
    navigation: 'Main',
    offline: (
      <>
        <b>Can't reach the server.</b> Showing the last known data; retrying…
      </>
    ),
    pageNotFound: 'Page not found',
    backToJobs: 'Back to jobs',
  },

  live: {
    connecting: { label: 'Connecting', hint: 'Connecting to live updates.' },
    socket: { label: 'Live', hint: 'Live updates (WebSocket)' },
    events: { label: 'Live', hint: 'Live updates (server-sent events)' },
    polling: { label: 'Polling', hint: 'Polling every 3 s: no live connection available.' },
    paused: { label: 'Paused', hint: 'Updates are paused.' },
    offline: { label: 'Offline', hint: "Can't reach the server. Retrying…" },
    pause: 'Pause updates',
    resume: 'Resume updates',
  },

  shortcuts: {
    title: 'Keyboard shortcuts',
    search: 'Search',
    move: 'Next job, previous job',
    open: 'Open the job',
    select: 'Select the job',
    clear: 'Clear the selection',
    page: 'Previous page, next page',
    executing: 'Running jobs',
    pause: 'Pause or resume updates',
    go: 'Go to jobs, overview, failures, configurations, agents',
    goKeys: 'g then j, o, f, c, a',
    pageKeys: '[ and ]',
    enterKey: 'Enter',
    off: 'Turn shortcuts off in Settings.',
  },

  settings: {
    title: 'Settings',
    language: 'Language',
    automatic: 'Automatic',
    languageFailed: 'The language could not be loaded. Try again later.',
    theme: 'Theme',
    themes: { system: 'System', light: 'Light', dark: 'Dark' },
    zone: 'Time zone',
    local: (zone: string) => `Local: ${zone}`,
    timeFormat: 'Time format',
    hours: { '24': '24-hour', '12': '12-hour' },
    now: (time: string) => `Now: ${time}`,
    keys: 'Single-key shortcuts',
    role: (name: string) =>
      ({ VIEWER: 'viewer', OPERATOR: 'operator', ADMIN: 'admin', AGENT: 'agent' })[name] ??
      name.toLowerCase(),
    until: (role: string, time: ReactNode): ReactNode => (
      <>
        {role}, until {time}
      </>
    ),
    rest: 'OpenAPI',
    signOut: 'Sign out',
  },

  states,
  processingStates: {
    UNKNOWN: 'Unknown',
    QUEUED: 'Queued',
    EXECUTING: 'Executing',
    COMPLETED: 'Completed',
    FAILED: 'Failed',
    notStarted: 'Not started',
  },

  priority,

  jobs: {
    processingFailed: 'Processing failed',
    longerThanUsual: 'Longer than usual',
    cluesMissing: (n: number) => `${plural(n, clue)} missing`,
    title: 'Jobs',
    all: 'All jobs',
    /** `shown` is the count as it is displayed, such as `10,000+`. */
    total: (shown: ReactNode, n: number): ReactNode => (
      <>
        {shown} {pluralForm(n, job)}
      </>
    ),
    byState: (owner: string | undefined) =>
      owner === undefined ? 'Jobs by state' : `Jobs by state, ${owner}`,
    /** The same as plain text, for screen readers. */
    found: (shown: string, n: number) => `${shown} ${pluralForm(n, job)}`,
    totalsNote: 'Totals ignore the filters below.',
    views: {
      all: 'All',
      running: 'Running',
      finished: 'Finished',
      next: 'Next',
      scheduled: 'Scheduled',
    },
    claimOrder: 'Jobs that are due are claimed by priority, then by due time.',
    viewsLabel: 'Job state',
    news: 'New activity · Refresh',
    zone: (zone: string) => `Times are in ${zone}.`,
    due: (time: ReactNode): ReactNode => <>due {time}</>,
    /** `ago` such as `2 hr. ago`. */
    overdue: (ago: string) => `Due ${ago}`,
    noConfiguration: 'No configuration',
    noneRunning: 'No jobs running',
    noneRunningHint: 'Running jobs appear here.',
    none: 'No jobs yet',
    noneHint: (command: ReactNode, mutation: ReactNode): ReactNode => (
      <>
        Import a platform's jobs with {command}, or queue one with {mutation}.
      </>
    ),
    noMatch: 'No jobs match',
    noMatchHint: 'No jobs match these filters. Remove a filter to see more.',
    searchMessages: (text: string) => `Search messages for “${text}”`,
    select: (name: string) => `Select ${name}`,
    selectPage: 'Select all jobs on this page',
    selection: 'Selected jobs',
    selected: (n: number) => `${count(n)} selected`,
    selectedElsewhere: (n: number) => `${count(n)} of them on other pages`,
    clearElsewhere: 'Clear those',
    clearSelection: 'Clear selection',
    actionsFor: (name: string) => `Actions for ${name}`,
    progress: 'Progress',
    progressOf: (name: string) => `Progress of ${name}`,
    left: (time: string) => `${time} left`,
    rate: (tasks: string) => `${tasks} tasks/min`,
    notReporting: 'not reporting',
    tasksDone: (done: string, all: string) => `${done} of ${all} completed`,
    tasksFailed: (n: string) => `${n} failed`,
  },

  columns: {
    title: 'Columns',
    reset: 'Reset columns',
    state: 'State',
    job: 'Job',
    agent: 'Agent',
    progress: 'Progress',
    started: 'Started',
    finished: 'Finished',
    duration: 'Duration',
    tasks: 'Tasks',
    clues: 'Clues',
    processing: 'Processing',
    message: 'Message',
    type: 'Type',
    priority: 'Priority',
    created: 'Created',
    scheduled: 'Due',
    changed: 'Updated',
    updated: 'Last report',
    rate: 'Tasks/min',
    id: 'ID',
  },

  filters: {
    title: 'Filter jobs',
    clear: 'Clear filters',
    inForce: 'Active filters',
    remove: 'Remove filter:',
    quoted: (text: string) => `“${text}”`,
    labelled: (label: string, value: string) => `${label}: ${value}`,
    not: (state: string) => `Not ${state}`,
    match: 'Match',
    include: 'Include',
    exclude: 'Exclude',
    more: 'More filters',
    chosen: (n: number) => count(n),
    search: 'Search by name or ID',
    searchHint: 'Name or ID',
    searchKey: 'Press / to search',
    state: 'State',
    states: 'States',
    statesChosen: (n: number) => `${count(n)} states`,
    configuration: 'Configuration',
    findConfiguration: 'Find configuration',
    agent: 'Agent',
    findAgent: 'Find agent',
    moreOptions: (n: number) => `${count(n)} more, type to search`,
    noOptions: 'No matches.',
    message: 'Message contains',
    processing: 'Processing',
    losses: { failed: 'Processing failed', missing: 'Clues missing' },
    failure: 'Failure',
    priority: 'Priority',
    provider: 'Provider',
    findProvider: 'Find provider',
    duration: 'Duration',
    minDuration: 'At least',
    maxDuration: 'At most',
    durationExample: '1h30m',
    durationHint: 'Enter a duration such as 90s, 10m or 1h30m.',
    atLeast: (length: string) => `Duration: at least ${length}`,
    atMost: (length: string) => `Duration: at most ${length}`,
    whichTime: 'Time',
    times: { created: 'Created', started: 'Started', finished: 'Finished' },
    ranges: {
      hour: 'Last hour',
      today: 'Today',
      yesterday: 'Since yesterday',
      week: 'Last 7 days',
      month: 'Last 30 days',
    },
    customRange: (zone: string) => `Custom range (${zone})`,
    from: 'From',
    to: 'To',
    dateOf: (bound: string) => `${bound}: date`,
    timeOf: (bound: string) => `${bound}: time`,
    timeHint: (example: string) => `Enter a time such as ${example}.`,
    now: 'now',
    anyTime: 'Any time',
    sort: 'Sort',
    order: 'Order',
    sorts: {
      newest: 'Newest first',
      oldest: 'Oldest first',
      due: 'Earliest due first',
      'due-down': 'Latest due first',
      started: 'Recently started',
      'started-up': 'Earliest started first',
      finished: 'Recently finished',
      'finished-up': 'Earliest finished first',
      longest: 'Longest duration first',
      shortest: 'Shortest duration first',
      priority: 'Highest priority first',
      'priority-up': 'Lowest priority first',
      changed: 'Recently updated',
      unchanged: 'Least recently updated',
      name: 'Name, A to Z',
      'name-down': 'Name, Z to A',
    },
    ignored: (parameter: ReactNode, hint: string): ReactNode => (
      <>
        Unknown filter {parameter} was ignored. {hint}
      </>
    ),
    available: (names: string) => `Available filters: ${names}.`,
    twice: (name: string) => `${name} is given more than once.`,
    mustBe: (name: string, expected: string) => `${name} must be ${expected}.`,
    expected: {
      oneOf: (values: string) => `one of ${values}`,
      id: 'a UUID',
      range: (values: string) => `one of ${values}, or a range such as 2026-05-01..2026-05-02`,
      length: 'a duration such as 90s, 10m or 1h30m',
      priority: 'a whole number',
      page: 'a whole number from 1',
    },
    notWith: (name: string, other: string) => `${name} cannot be combined with ${other}.`,
  },

  pager: {
    title: 'Pages',
    first: 'First page',
    previous: 'Previous page',
    next: 'Next page',
    last: 'Last page',
    page: 'Page',
    rows: 'Rows',
    of: (pages: string) => `of ${pages}`,
    notFound: 'Page not found',
  },

  /** What can be done to one job, to those selected, and to all that match. */
  actions: {
    retry: 'Retry…',
    cancel: 'Cancel…',
    force: 'Force cancel…',
    queue: 'Queue job…',
    again: 'Queue a copy…',
    bulk: 'Bulk actions',
    retryAll: 'Retry all matching jobs…',
    cancelAll: 'Cancel all matching jobs…',
    appliesTo: (scope: ReactNode): ReactNode => <>Applies to {scope}.</>,
    counting: 'Counting…',
    number: (n: number, isExact: boolean) => (isExact ? count(n) : `more than ${count(n)}`),
    jobs: (n: number, isExact: boolean) => (isExact ? jobs(n) : `more than ${jobs(n)}`),
    include: 'Include',
    /** `n` is a number as it is displayed. */
    skipped: (n: string, reason: string) => `${n} skipped: ${reason}.`,
    reasons: {
      notFinished: 'not finished yet',
      finished: 'already finished',
      cancelling: 'already being cancelled',
      unknown: 'in an unknown state',
    },
    more: (n: number) => `and ${count(n)} more`,
    typeNumber: (n: ReactNode): ReactNode => <>Type {n} to confirm</>,
    otherRunning: 'Another bulk action is in progress.',
    goesOn: 'Close this dialog to continue in the background.',
    /** Of a running action. */
    progress: (done: number, all: number, isExact: boolean) =>
      `${count(done)} of ${isExact ? '' : 'more than '}${count(all)} done…`,
    stop: 'Stop',
    resume: 'Resume',
    giveUp: 'Stop here',
    stopping: 'Stopping after this batch…',
    stopped: 'Stopped',
    interrupted: 'Interrupted by an error',
    finished: 'Finished',
    refused: (n: number, code: string, message: string) =>
      `${count(n)} skipped: ${
        {
          NOT_FINISHED: 'not finished yet',
          ALREADY_FINISHED: 'already finished',
          NOT_FOUND: 'no longer exists',
        }[code] ?? message
      } (${code}).`,
    notStarted: (n: number, isExact: boolean) =>
      isExact ? `${count(n)} not started.` : `At least ${count(n)} not started.`,
    changedMeanwhile: (n: number) => `${count(n)} left out: changed after they were counted.`,
    failed: 'Something went wrong.',
    reason: 'Reason (optional)',
    /** Why one job cannot be retried or cancelled now. */
    notPossible: {
      notFinished: 'Only finished jobs can be retried.',
      finished: 'The job has already finished.',
      cancelling: 'Cancellation has already been requested.',
      unknown: 'The state of this job is unknown.',
      earlierRun: 'Only the current run can be cancelled.',
    },
    forRetry: {
      title: (name: string | undefined) => `Retry ${name ?? 'jobs'}?`,
      confirm: (what: string | undefined) => `Retry${what ? ` ${what}` : ''}`,
      possible: (n: number, all: number) =>
        `${count(n)} of ${count(all)} selected jobs can be retried.`,
      running: 'Retrying jobs',
      effect: 'Each job is queued again as a new run. Earlier runs are kept.',
      all: (n: number) => `All matching jobs will be retried, not only the first ${count(n)}.`,
      none: 'No matching job can be retried.',
      back: 'Go back',
      done: (n: number) => `${jobs(n)} queued for retry.`,
    },
    forCancel: {
      title: (name: string | undefined) => `Cancel ${name ?? 'jobs'}?`,
      confirm: (what: string | undefined) => `Cancel${what ? ` ${what}` : ''}`,
      possible: (n: number, all: number) =>
        `${count(n)} of ${count(all)} selected jobs can be cancelled.`,
      running: 'Cancelling jobs',
      effect:
        'Queued jobs are cancelled immediately. Running jobs stop when their agent next reports.',
      all: (n: number) => `All matching jobs will be cancelled, not only the first ${count(n)}.`,
      none: 'No matching job can be cancelled.',
      back: 'Keep jobs',
      done: (n: number) => `Cancellation requested for ${jobs(n)}.`,
    },
    forForce: {
      title: (name: string | undefined) => `Force cancel ${name ?? 'jobs'}?`,
      confirm: (what: string | undefined) => `Force cancel${what ? ` ${what}` : ''}`,
      possible: (n: number, all: number) =>
        `${count(n)} of ${count(all)} selected jobs can be cancelled.`,
      running: 'Cancelling jobs',
      effect:
        'The job ends at once, without waiting for its agent. What the agent reports after that is refused.',
      all: (n: number) => `All matching jobs will be cancelled, not only the first ${count(n)}.`,
      none: 'The job is not running.',
      back: 'Keep job',
      done: (n: number) => `${jobs(n)} cancelled.`,
    },
    /** Such as `all failed (1,529) jobs created since yesterday`; each state with its number. */
    scope: (of: {
      states: readonly (readonly [keyof typeof states, string])[];
      configurations: readonly string[];
      agents: readonly string[];
      providers: readonly string[];
      priority: number | undefined;
      search: string | undefined;
      message: string | undefined;
      processing: 'failed' | 'missing' | undefined;
      failureGroup: string | undefined;
      time: keyof typeof happened;
      range: keyof typeof within | undefined;
      from: string | undefined;
      to: string | undefined;
      minDuration: string | undefined;
      maxDuration: string | undefined;
    }): string => {
      const names = of.states.map(([state, n]) => `${states[state].label.toLowerCase()} (${n})`);
      const parts = [
        of.configurations.length > 0 && `of ${listOr(of.configurations)}`,
        of.providers.length > 0 && `of provider ${listOr(of.providers)}`,
        of.agents.length > 0 && `run by ${listOr(of.agents)}`,
        of.priority !== undefined && `with priority ${priority(of.priority)}`,
        of.search && `matching “${of.search}”`,
        of.message && `with “${of.message}” in the message`,
        of.failureGroup && `with the failure “${of.failureGroup}”`,
        of.processing && `with ${lossOf[of.processing]}`,
        of.range && `${happened[of.time]} ${within[of.range]}`,
        of.from && `${happened[of.time]} from ${of.from}`,
        of.to && `${happened[of.time]} before ${of.to}`,
        of.minDuration && `that ran for ${of.minDuration} or longer`,
        of.maxDuration && `that ran for ${of.maxDuration} or less`,
      ].filter(Boolean);
      return [`all ${listAnd(names)} jobs`, parts.join(', ')].filter(Boolean).join(' ');
    },
  },

  /** The dialog that queues a job. */
  queue: {
    title: 'Queue job',
    configuration: 'Configuration',
    choose: 'Choose a configuration',
    noConfigurations: 'There are no configurations.',
    name: 'Name (optional)',
    type: 'Type (optional)',
    priority: 'Priority',
    due: 'Run at',
    dueHint: 'Without a date it runs as soon as an agent is free.',
    back: 'Go back',
    confirm: 'Queue job',
    done: 'Job queued.',
  },

  export: {
    button: 'CSV',
    title: 'Export all matching jobs as CSV',
    label: 'Export as CSV',
    stop: 'Cancel export',
    progress: (n: number) => `${jobs(n)}… cancel`,
    saved: (n: number) => `Exported ${jobs(n)} as CSV.`,
    empty: (n: number) =>
      `${plural(n, { one: 'value', other: 'values' })} could not be read and ${pluralForm(n, {
        one: 'is',
        other: 'are',
      })} left empty.`,
    cancelled: 'Export cancelled.',
    failed: (reason: string) => `Export failed: ${reason}`,
  },

  copy: {
    copy: (what: string) => `Copy ${what}`,
    copied: (what: string) => `Copied ${what}.`,
    blocked: (text: string) => `The browser blocked copying. ${text}`,
    id: 'ID',
    jobId: 'job ID',
    runId: 'run ID',
    agentId: 'agent ID',
    configurationId: 'configuration ID',
    link: 'link',
    message: 'message',
    json: 'JSON',
  },

  job: {
    notify: 'Notify me when it ends',
    willNotify: 'You will be notified when this job ends, as long as this tab is open.',
    notificationsBlocked: 'The browser blocks notifications from this page.',
    title: 'Job',
    notFound: 'Job not found',
    notFoundHint: (id: string) => `No job has the ID ${id}.`,
    all: 'All jobs',
    otherJobsRun: 'This run belongs to another job',
    openItsJob: 'Open its job',
    waiting: 'Waiting for an agent',
    waitingHint: 'This page updates when one picks it up.',
    noRun: 'No runs recorded',
    earlierRun: 'Earlier run',
    copyLink: 'Copy link',
    agent: 'Agent',
    processing: 'Processing',
    type: 'Type',
    priority: 'Priority',
    id: 'Job',
    run: 'Run',
    finished: 'Finished',
    waits: 'Waiting',
    ended: 'Ended',
    neverRan: 'Cancelled before it ran',
    notReporting: 'Not reporting',
    showLines: (lines: string) => `Show all ${lines} lines`,
    showMessage: 'Show full message',
    showLess: 'Show less',
    notLive: 'Not live',
    updated: (ago: ReactNode): ReactNode => <>updated {ago}</>,
    json: 'Raw JSON',
    copy: 'Copy',
  },

  banner: {
    earlierRun: (link: ReactNode): ReactNode => <>You are viewing an earlier run. {link}</>,
    currentRun: 'View current run',
    failed: 'Run failed',
    noMessage: 'No error message was reported.',
    processingFailed: 'Processing failed.',
    longerThanUsual: 'This run takes longer than usual.',
    cancelled: (who: string, time: ReactNode): ReactNode => (
      <>
        <b>Cancelled</b> by {who}, {time}.
      </>
    ),
    lastRun: (state: string): ReactNode => (
      <>
        <b>Last attempt {state}.</b> The job is queued again.
      </>
    ),
    overdue: (ago: ReactNode, configuration: string | null | undefined): ReactNode => (
      <>
        <b>Due {ago}.</b> No agent has picked up {configuration ?? 'it'}.
      </>
    ),
    cancelling: (ago: ReactNode): ReactNode => (
      <>
        <b>Cancellation requested</b>
        {ago && <> {ago}</>}; waiting for the agent to confirm.
      </>
    ),
    scheduled: (time: ReactNode, relative: ReactNode): ReactNode => (
      <>
        <b>Scheduled</b> for {time}, {relative}.
      </>
    ),
    /** How long there was no report, and when the last one was, relative to now. */
    silent: (time: string, _last: string): ReactNode => (
      <>
        <b>No report for {time}.</b> The agent may have stopped, or cannot reach the server.
      </>
    ),
    neverReported: (
      <>
        <b>No report</b> since the agent picked up the job.
      </>
    ),
  },

  timeline: {
    title: 'Timeline',
    none: 'No timestamps recorded.',
    lengths: (queued: string, running: string) => `${queued} queued, ${running} running`,
    lastSubmitted: (time: string) => `Last submission ${time}`,
    now: 'now',
    queued: 'queued',
    running: 'running',
    expected: (earliest: string, latest: string, likely: string) =>
      `expected to end between ${earliest} and ${latest}, most likely at ${likely}`,
    likely: (time: string) => `Likely end ${time}`,
    lastSubmission: (time: string) => `last submission: ${time}`,
    zone: (zone: string) => `in ${zone}`,
  },

  /** The cards of the agent's and of processing's half of a run. */
  run: {
    agentProgress: 'Agent progress',
    processingProgress: 'Processing progress',
    runTime: 'Run time',
    remaining: 'Remaining (est.)',
    usually: (range: string) => `usually ${range}`,
    rate: 'Tasks/min',
    queueTime: 'Queue time',
    tasks: 'Tasks',
    clues: 'Clues',
    expected: (n: ReactNode): ReactNode => <>of {n} expected</>,
    lastSubmission: 'Last submission',
    message: 'Result message',
    state: 'State',
    ofReceived: (done: string, received: string) => `${done} of ${received} received`,
    payloads: 'Payloads',
    logLines: 'Log lines',
    notReported: 'Not reported',
    retries: (n: ReactNode): ReactNode => <>{n} retries</>,
    processingTasks: 'Processing tasks',
    unchanged: 'Unchanged',
    unchangedTasks: 'Unchanged tasks',
    lastUpdate: 'Last updated',
    parts: {
      completed: 'completed',
      failed: 'failed',
      queued: 'queued',
      submitted: 'submitted',
      skipped: 'skipped',
      exists: 'already exists',
      upToDate: 'up to date',
      ignored: 'ignored',
      unaccounted: 'unaccounted',
    },
    excess: (n: number) => `Parts exceed the reported total by ${count(n)}.`,
  },

  reconciliation: {
    clues: (submitted: ReactNode, received: ReactNode, verdict: string): ReactNode => (
      <>
        {submitted} clues submitted by the agent, {received} received by processing: {verdict}.
      </>
    ),
    unreadable: 'cannot compare',
    notReported: 'cannot compare: one side does not report it',
    complete: 'all received',
    counting: 'counts are still changing',
    inTransit: (n: number) => `${plural(n, clue)} in transit`,
    missing: (n: number) => `${plural(n, clue)} missing`,
    excess: (n: number) => `${count(n)} more than the agent reported`,
  },

  rate: {
    title: 'Rate',
    tasks: 'Tasks/min',
    clues: 'Clues/min',
    sinceOpened: 'Since page opened',
    last: (time: string) => `Last ${time}`,
    average: (rate: string) => `${rate} on average`,
    now: (name: string, rate: string) => `${name}: ${rate} now`,
    unknown: (name: string) => `${name}: no data yet`,
    wait: 'Waiting for the next reports…',
  },

  history: {
    title: 'History',
    derived: "Derived from the run's timestamps",
    /** Who changed a state: one of the service's words, or a name. */
    by: (who: string) => (who === 'service' ? 'system' : who),
  },

  runs: {
    title: 'Runs',
    order: 'Newest first',
    none: 'No runs yet.',
    earlier: (n: number) => `Show ${plural(n, { one: 'earlier run', other: 'earlier runs' })}`,
    latest: (n: number) => `The latest ${count(n)} runs. Earlier runs are not listed.`,
    number: (n: number) => `Run ${count(n)}`,
    alike: 'All jobs with this name',
  },

  fields: {
    title: 'All fields',
    note: 'Raw API values · UTC · durations in ms',
    groups: {
      run: 'Run',
      agentResult: 'Agent: result and state',
      agentTimes: 'Agent: times',
      agentCounts: 'Agent: tasks and clues',
      processingTimes: 'Processing: state and times',
      processingCounts: 'Processing: tasks',
    },
  },

  /** The jobs that execute, in the header of every page. */
  executing: {
    button: 'executing',
    title: 'Executing jobs',
    heading: (n: number) => `${jobs(n)} executing`,
    none: 'No jobs running',
    noneHint: 'Running jobs appear here.',
    loading: 'Waiting for the server.',
    order: 'Order',
    orders: { longest: 'Longest running', newest: 'Newest', soonest: 'Done soonest' },
    list: 'List',
    viewAll: 'View all running jobs',
    rate: (rate: string) => `${rate} tasks/min`,
    noEstimate: 'no estimate',
  },

  /** What finished over time. */
  overview: {
    title: 'Overview',
    statistics: 'Statistics',
    filter: 'Filter statistics',
    time: 'Time',
    lengths: { day: '24 h', week: '7 days', month: '30 days', year: '1 year' },
    asTable: 'Show as table',
    table: 'Statistics as a table',
    none: 'Nothing finished in this time',
    finished: 'Finished runs',
    outcomes: { completed: 'Completed', failed: 'Failed', cancelled: 'Cancelled' },
    failureRate: 'Failure rate',
    wait: 'Queue time',
    duration: 'Run time',
    p50: 'median',
    p95: '95th percentile',
    ofWait: (figure: string) => `Queue time, ${figure}`,
    ofDuration: (figure: string) => `Run time, ${figure}`,
    weekFrom: (day: string) => `Week from ${day}`,
    nothing: 'none',
    /** A bucket of a chart, read out. */
    said: (time: string, values: readonly string[]) => `${time}. ${values.join(', ')}`,
    keys: 'Use the arrow keys to read the values, and Enter to list the jobs.',
    utc: 'Days and weeks are in UTC.',
    today: 'Today',
    tooFewDays: 'There is too little history yet to tell whether today is normal.',
    normal: (isYesterday: boolean) => `${isYesterday ? 'Yesterday was' : 'Today is'} normal`,
    unusual: (isYesterday: boolean, differences: readonly string[]) =>
      `${isYesterday ? 'Yesterday' : 'Today'}: ${listAnd(differences)}`,
    differences: {
      finished: { more: 'more runs than usual', less: 'fewer runs than usual' },
      failureRate: { more: 'more failures than usual', less: 'fewer failures than usual' },
      wait: { more: 'longer queue time than usual', less: 'shorter queue time than usual' },
      duration: { more: 'longer run time than usual', less: 'shorter run time than usual' },
    },
    figures: {
      finished: 'Finished runs',
      failureRate: 'Failure rate',
      wait: 'Queue time',
      duration: 'Run time',
    },
    usually: (value: string) => `usually ${value}`,
    weekdays: (weekday: string, n: number) =>
      `the last ${count(n)} ${pluralForm(n, { one: weekday, other: `${weekday}s` })}`,
    lastDays: (n: number) => `the last ${plural(n, { one: 'day', other: 'days' })}`,
    comparedUntil: (time: string, basis: string) =>
      `Until ${time}, compared with the median of ${basis} until then`,
    comparedYesterday: (basis: string) => `Compared with the median of ${basis} before`,
    group: 'Group by',
    by: { configuration: 'By source', provider: 'By provider', agent: 'By agent' },
    groupings: { configuration: 'Source', provider: 'Provider', agent: 'Agent' },
    noAgent: 'No agent',
    before: 'Before',
    /** `points` is a percentage. */
    rise: (points: string) => `▲ ${points}`,
    riseHint: 'The failure rate has risen since the time before, by more than chance explains.',
    fewer: 'Show fewer',
    all: (n: number) => `Show all ${count(n)}`,
  },

  failures: {
    title: 'Failures',
    count: (n: number) => plural(n, { one: 'cause', other: 'causes' }),
    filter: 'Filter failures',
    search: 'Find failures',
    noMatch: 'No failures match',
    none: 'No failures',
    noneHint: 'Failed jobs appear here, grouped by their cause.',
    noneOpenHint: 'All of them are acknowledged.',
    cause: 'Cause',
    trend: 'Last 30 days',
    /** `peak` is a day. */
    trendOf: (all: string, today: string, peak: string | undefined, most: string) =>
      `${all} failed runs in 30 days, ${today} today${peak ? `, most on ${peak}: ${most}` : ''}`,
    jobs: 'Jobs',
    jobsOf: (n: string, title: string) => `${n} failed jobs: ${title}`,
    lastSeen: 'Last seen',
    firstSeen: 'First seen',
    sources: 'Configurations',
    moreSources: (n: number) => `and ${count(n)} more`,
    acknowledge: 'Acknowledge',
    acknowledged: 'Acknowledged failures',
    acknowledgedCount: (n: number) => `Acknowledged (${count(n)})`,
    acknowledgedBy: (who: string, ago: ReactNode): ReactNode => (
      <>
        Acknowledged by {who} {ago}
      </>
    ),
    acknowledgeTitle: 'Acknowledge failure?',
    acknowledgeEffect: 'It moves to the acknowledged failures. A new failure reopens it.',
    acknowledgedNow: 'Failure acknowledged.',
    note: 'Note (optional)',
    back: 'Go back',
    reopen: 'Undo',
    reopened: 'Failure reopened.',
    more: 'Show more',
    only: 'No other job has this failure.',
    acknowledgedShort: (who: string) => `Acknowledged by ${who}`,
    /** On the page of a failed job. `since` such as `Tuesday`. */
    same: (n: number, since: ReactNode): ReactNode => (
      <>
        The same failure in {plural(n, job)}
        {since && <> since {since}</>}
      </>
    ),
  },

  configurations: {
    title: 'Configurations',
    count: (n: number) => plural(n, { one: 'configuration', other: 'configurations' }),
    search: 'Find configurations',
    noMatch: 'No matching configurations',
    none: 'No configurations yet',
    noneHint: (mutation: ReactNode): ReactNode => <>Created by an import or by {mutation}.</>,
    name: 'Name',
    jobs: 'Jobs',
    all: 'All',
    lastActivity: 'Last activity',
    unknownProvider: 'Unknown provider',
  },

  configuration: {
    title: 'Configuration',
    notFound: 'Configuration not found',
    all: 'All configurations',
    provider: 'Provider',
    created: 'Created',
    updated: 'Updated',
    id: 'ID',
  },

  agents: {
    title: 'Agents',
    count: (n: number) => plural(n, { one: 'agent', other: 'agents' }),
    none: 'No agents yet',
    noneHint: 'Agents appear after registering, or with imported runs.',
    name: 'Name',
    executing: 'Executing',
    lastRuns: 'Last 20 runs, newest first',
    completed: 'Completed (last 20 runs)',
    failed: 'Failed (last 20 runs)',
    lastSeen: 'Last seen',
    lastSeenHint: 'When the service last received a report or a claim for work from the agent.',
    silent: 'Silent',
    silentHint: 'Nothing received from the agent for more than 3 minutes.',
    silentCount: (n: number) => `${count(n)} silent`,
    search: 'Find agents',
    noMatch: 'No matching agents',
    run: (state: string) => `${state} run`,
    runOf: (state: string, job: string) => `${state}: ${job}`,
  },

  agent: {
    title: 'Agent',
    notFound: 'Agent not found',
    all: 'All agents',
    lastSeen: 'Last seen',
    firstSeen: 'First seen',
    updated: 'Updated',
    id: 'ID',
  },

  errors: {
    offline: "Can't reach the server",
    forbidden: "You don't have access",
    refused: 'Request failed',
    server: 'Something went wrong on the server',
    defect: 'Something went wrong',
    retrying: 'Retrying…',
    signedOut: 'Your session has ended',
    signedOutHint: 'Sign in to continue.',
    signIn: 'Sign in',
    notSignedIn: 'You are not signed in.',
    noResponse: 'No response from the server.',
    noData: 'The server responded without data.',
    status: (status: number) => `The server responded with status ${status}.`,
    notGraphQL: (status: number) => `The response is not GraphQL (status ${status}).`,
    value: (reason: string) => `This value cannot be shown: ${reason}`,
    missing: (n: number, all: number) => `${count(n)} of ${count(all)} cannot be shown`,
  },
};
