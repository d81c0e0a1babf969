import { defineConfig } from 'vitest/config';

const CASSANDRA = 'test/support/cassandra-global-setup.ts';

// A busy machine makes nothing fail: what tests poll for may take this long, unless they say otherwise.
const PATIENT = { poll: { timeout: 60_000 } };

// One project per kind of test (CONTRIBUTING.md says what belongs where). Projects that start servers run their files one
// after another: the machine is shared by the servers under test. Projects share nothing: .ci/run has several of them at work.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000, expect: PATIENT } },
      { test: { name: 'k8s', include: ['test/k8s/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 1_500_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: [CASSANDRA],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: PATIENT,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'wire',
          include: ['test/wire/**/*.test.ts'],
          globalSetup: [CASSANDRA, 'test/wire/keyspace-global-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: PATIENT,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: [CASSANDRA, 'test/wire/keyspace-global-setup.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: PATIENT,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          expect: PATIENT,
          fileParallelism: false,
        },
      },
    ],
  },
});
