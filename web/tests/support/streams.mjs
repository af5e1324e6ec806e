// What every client sees of the subscriptions, whatever its transport.
import assert from 'node:assert/strict';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { databases, Service } from './service';

const EXECUTING = `subscription ($configurationId: UUID) {
  executingJobs(configurationId: $configurationId) {
    isSnapshot
    jobs { id name currentRun { agentPercentCompleted } }
    removed { id state }
  }
}`;

const RUN = `subscription ($id: UUID!) {
  jobRun(id: $id) { id agentState agentPercentCompleted agentResultMessage }
}`;

const COUNTS = `subscription ($configurationId: UUID) {
  jobCounts(configurationId: $configurationId) { total queued executing completed failed }
}`;

/** Documents that are no subscription of this API, and what is said of them. */
const REFUSED = [
  {
    why: 'an unknown field',
    query: 'subscription { executingJobs { jobs { colour } } }',
    message: /Unknown field "colour" on type "Job"/,
  },
  {
    why: 'two root fields',
    query: 'subscription { executingJobs { isSnapshot } jobCounts { total } }',
    message: /exactly one root field/,
  },
];

/**
 * Tests a client over both databases.
 *
 * `connect(service)` opens one: `subscribe(query, variables)` returns what is `Received` of the
 * data, `refusal(query)` the list of errors by which the client tells of a document that is refused,
 * and `close()` closes it. `doesRetry` says whether it connects again by itself.
 */
export function streams(name, { doesRetry, connect }) {
  for (const database of databases) {
    describe(`${name}, ${database}`, () => {
      let service;
      let client;

      beforeAll(async () => {
        service = await Service.start(database);
        client = await connect(service);
      });

      afterAll(async () => {
        await client?.close();
        await service?.stop();
      });

      test('the jobs that execute: all of them, then what changes', async () => {
        const early = await service.begin('early');
        await early.report(10);
        const all = client.subscribe(EXECUTING, {});
        const first = await all.value();
        assert.equal(first.executingJobs.isSnapshot, true);
        assert.deepEqual(first.executingJobs.removed, []);
        const { jobId, configurationId } = early;
        const shown = (percent) => [
          { id: jobId, name: 'early', currentRun: { agentPercentCompleted: percent } },
        ];
        assert.deepEqual(first.executingJobs.jobs, shown(10));

        const own = client.subscribe(EXECUTING, { configurationId });
        assert.deepEqual(await own.value(), first);

        await early.report(20);
        for (const stream of [all, own]) {
          const { executingJobs } = await stream.value();
          assert.deepEqual(executingJobs, { isSnapshot: false, jobs: shown(20), removed: [] });
        }
        const late = await service.begin('late');
        const comes = await all.value();
        assert.deepEqual(comes.executingJobs.jobs[0].id, late.jobId);
        assert.equal(comes.executingJobs.jobs.length, 1);

        // Of both, only one is in the configuration.
        await late.finish('FAILED', 'no access');
        await early.finish('COMPLETED', 'done');
        const leave = (id, state) => (update) =>
          update.executingJobs.removed.some((each) => each.id === id && each.state === state);
        await all.until(leave(late.jobId, 'FAILED'));
        const last = await own.value();
        assert.deepEqual(last.executingJobs, {
          isSnapshot: false,
          jobs: [],
          removed: [{ id: jobId, state: 'COMPLETED' }],
        });
      });

      test('a run: as it is, whenever it changes, and its end', async () => {
        const work = await service.begin('a run');
        const run = client.subscribe(RUN, { id: work.jobId });
        const begun = await run.value();
        assert.deepEqual(begun.jobRun, {
          id: work.runId,
          agentState: 'EXECUTING',
          agentPercentCompleted: null,
          agentResultMessage: null,
        });
        await work.report(50);
        assert.equal((await run.value()).jobRun.agentPercentCompleted, 50);
        await work.finish('COMPLETED', 'all of it');
        const { jobRun } = await run.value();
        assert.equal(jobRun.agentState, 'COMPLETED');
        assert.equal(jobRun.agentResultMessage, 'all of it');
        assert.equal(await run.end(), undefined);
      });

      test('the counts: at first, and when they change', async () => {
        const work = await service.begin('counted');
        const { configurationId } = work;
        const counts = client.subscribe(COUNTS, { configurationId });
        const some = { total: 1, queued: 0, executing: 0, completed: 0, failed: 0 };
        assert.deepEqual((await counts.value()).jobCounts, { ...some, executing: 1 });
        await work.finish('COMPLETED', 'done');
        assert.deepEqual((await counts.value()).jobCounts, { ...some, completed: 1 });
      });

      for (const { why, query, message } of REFUSED) {
        test(`refuses ${why}`, async () => {
          const [error, ...others] = await client.refusal(query);
          assert.deepEqual(others, []);
          assert.match(error.message, message);
          assert.equal(error.extensions.code, 'GRAPHQL_VALIDATION_FAILED');
          assert.ok(error.locations.length > 0);
          // The connection is as good as before.
          const counts = client.subscribe(COUNTS, {});
          assert.equal(typeof (await counts.value()).jobCounts.total, 'number');
        });
      }

      if (!doesRetry) return;
      test('goes on after the server was started again', async () => {
        const work = await service.begin('in spite of a restart');
        const { configurationId } = work;
        const stream = client.subscribe(EXECUTING, { configurationId });
        const counts = client.subscribe(COUNTS, { configurationId });
        // It may have begun after the snapshot.
        const hasBegun = (update) => update.executingJobs.jobs.length > 0;
        const { jobs } = (await stream.until(hasBegun)).executingJobs;
        const { jobCounts } = await counts.value();
        await service.restart();
        const again = { isSnapshot: true, jobs, removed: [] };
        assert.deepEqual((await stream.value()).executingJobs, again);
        assert.deepEqual((await counts.value()).jobCounts, jobCounts);
        await work.report(70);
        const { executingJobs } = await stream.value();
        assert.equal(executingJobs.isSnapshot, false);
        assert.equal(executingJobs.jobs[0].currentRun.agentPercentCompleted, 70);
      });
    });
  }
}
