// A vitest globalSetup: one keyspace for all wire tests of a run, so that its schema is made once. It goes with the run, also
// when the Cassandra stays. Listed after test/support/cassandra-global-setup.ts, which starts the node.
import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { dropKeyspace } from '../support/cassandra.js';

declare module 'vitest' {
  export interface ProvidedContext {
    wireKeyspace: string;
  }
}

export default function setup(project: TestProject): () => Promise<void> {
  const keyspace = `wire_${randomBytes(6).toString('hex')}`;
  project.provide('wireKeyspace', keyspace);
  const shared = project.getProvidedContext().cassandra;
  return () => dropKeyspace({ ...shared, keyspace });
}
