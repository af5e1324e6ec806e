/** What the charts ask for, which is loaded with them. */
import { graphql } from './graphql';

/** One entry for each bucket of time in which something finished. */
export const statisticsOverTime = graphql(`
  query StatisticsOverTime(
    $filter: JobFilter
    $from: DateTime
    $to: DateTime
    $bucket: StatisticsBucket
  ) {
    jobStatistics(filter: $filter, from: $from, to: $to, bucket: $bucket) {
      start
      finished
      completed
      failed
      cancelled
      wait { p50 p95 }
      duration { p50 p95 }
    }
  }
`);

/** The same of the whole time, for each source, provider or agent. */
export const statisticsByGroup = graphql(`
  query StatisticsByGroup(
    $filter: JobFilter
    $from: DateTime
    $to: DateTime
    $groupBy: [StatisticsGroup!]
  ) {
    jobStatistics(filter: $filter, from: $from, to: $to, groupBy: $groupBy) {
      configurationId
      provider
      agentId
      configuration { name provider }
      agent { name }
      finished
      failed
      failureRate
      wait { p50 }
      duration { p50 p95 }
    }
  }
`);
