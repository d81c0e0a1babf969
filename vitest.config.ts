import { defineConfig } from 'vitest/config';

const CASSANDRA = 'test/support/cassandra-global-setup.ts';

// One project per kind of test (CONTRIBUTING.md says what belongs where). Projects that start servers run their files one
// after another: the machine is shared by the servers under test.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000 } },
      { test: { name: 'k8s', include: ['test/k8s/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 500_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          globalSetup: [CASSANDRA],
          testTimeout: 60_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'wire',
          include: ['test/wire/**/*.test.ts'],
          globalSetup: [CASSANDRA, 'test/wire/keyspace-global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: [CASSANDRA, 'test/wire/keyspace-global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
