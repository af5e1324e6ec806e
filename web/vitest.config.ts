import { defineConfig } from 'vitest/config';

/** In a real browser on real servers: a test is slow, and two at a time keep two processors busy. */
const onServers = {
  testTimeout: 180_000,
  hookTimeout: 180_000,
  // Test files of a process share its browser.
  isolate: false,
  pool: 'forks',
  maxWorkers: Number(process.env.AGENT_JOBS_TEST_WORKERS ?? 2),
} as const;

export default defineConfig({
  test: {
    environment: 'node',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts'],
          setupFiles: ['tests/support/unit-setup.ts'],
        },
      },
      {
        test: {
          name: 'operations',
          include: ['tests/operations.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['tests/*.browser.test.ts'],
          globalSetup: ['tests/support/demo-database.ts'],
          ...onServers,
        },
      },
      {
        test: {
          name: 'live',
          include: ['tests/*.live.test.mjs'],
          globalSetup: ['tests/support/demo-database.ts'],
          ...onServers,
        },
      },
    ],
  },
});
