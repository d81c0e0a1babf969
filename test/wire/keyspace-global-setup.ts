// A vitest globalSetup: one keyspace for all wire tests of a run, so that its schema is made once. It goes with the run, also
// when the Cassandra stays. Listed after test/support/cassandra-global-setup.ts, which starts the node.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { stringify } from 'yaml';
import { dropKeyspace } from '../support/cassandra.js';
import type { SharedCassandra } from '../support/cassandra.js';
import { bootstrap, cassandraConfig } from '../support/server.js';

declare module 'vitest' {
  export interface ProvidedContext {
    wireKeyspace: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const keyspace = `wire_${randomBytes(6).toString('hex')}`;
  project.provide('wireKeyspace', keyspace);
  const shared = project.getProvidedContext().cassandra;
  await installSchema(shared, keyspace);
  return () => dropKeyspace({ ...shared, keyspace });
}

async function installSchema({ contactPoint, localDataCenter }: SharedCassandra, keyspace: string): Promise<void> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-wire-schema-'));
  try {
    const configFile = path.join(dir, 'pithos.yaml');
    const config = cassandraConfig({ contactPoints: [contactPoint], localDataCenter, keyspace });
    await writeFile(configFile, stringify(config), { mode: 0o600 });
    const { code, stdout, stderr } = await bootstrap(configFile, { timeoutMs: 240_000 });
    if (code !== 0) throw new Error(`bootstrap ended with exit code ${code}:\n${stdout}${stderr}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
