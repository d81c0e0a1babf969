// A vitest globalSetup: one Cassandra node for all test files of a run, also when several projects use it. The environment
// variable PITHOS_TEST_CASSANDRA=host:port names a running one to use in its place (its datacenter: datacenter1, or the
// name after a comma).
import type { TestProject } from 'vitest/node';
import { startNode } from '../cassandra/index.mjs';
import type { CassandraNode } from '../cassandra/index.mjs';

const HEAP_MB = 1024;

export interface SharedCassandra {
  /** `host:port` of the CQL port. */
  readonly contactPoint: string;
  readonly localDataCenter: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    cassandra: SharedCassandra;
  }
}

interface Shared {
  users: number;
  readonly node: Promise<CassandraNode>;
}

// Vitest loads this module once for each project, so what they share lies where all instances find it.
const SHARED_KEY = Symbol.for('pithos.test.cassandra');
const registry = globalThis as { [SHARED_KEY]?: Shared | undefined };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const external = process.env['PITHOS_TEST_CASSANDRA'];
  if (external) {
    const [contactPoint = external, localDataCenter = 'datacenter1'] = external.split(',');
    project.provide('cassandra', { contactPoint, localDataCenter });
    return () => Promise.resolve();
  }
  const shared = (registry[SHARED_KEY] ??= {
    users: 0,
    node: startNode({ heapMb: HEAP_MB, volatileSchema: true }),
  });
  shared.users += 1;
  const node = await shared.node;
  project.provide('cassandra', { contactPoint: node.contactPoint, localDataCenter: node.localDataCenter });
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    registry[SHARED_KEY] = undefined;
    await node.stop();
  };
}
