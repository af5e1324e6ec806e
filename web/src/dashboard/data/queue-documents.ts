/** What the dialog that queues a job asks for, which is loaded with it. */
import { graphql } from './graphql';

export const queueJobs = graphql(`
  mutation QueueJobs($input: [QueueJobInput!]!) {
    queueJobs(input: $input) {
      results { jobId refusal { message } }
    }
  }
`);
