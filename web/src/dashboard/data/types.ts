import type * as documents from './documents';
import type { JobState, ProcessingState, ResultOf } from './graphql';

export type { JobState, ProcessingState };
export type RunProgress = ResultOf<typeof documents.runProgress>;
export type LiveJob = ResultOf<typeof documents.liveJob>;
export type Counts = ResultOf<typeof documents.counts>;
export type JobPage = ResultOf<typeof documents.jobList>['jobs'];
export type ListedJob = JobPage['items'][number];
export type FullRun = ResultOf<typeof documents.fullRun>;
export type JobDetail = NonNullable<ResultOf<typeof documents.jobDetail>['job']>;
