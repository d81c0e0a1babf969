// The shared Cassandra node of a test run, and keyspaces of one's own on it.
import { randomBytes } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { inject } from 'vitest';
import type { SharedCassandra } from './cassandra-global-setup.js';

export type { SharedCassandra } from './cassandra-global-setup.js';

/** Where the node that cassandra-global-setup.ts started listens. Fails in a vitest project without that globalSetup. */
export function useCassandra(): SharedCassandra {
  const shared = inject('cassandra') as SharedCassandra | undefined;
  if (shared === undefined)
    throw new Error('This vitest project needs globalSetup: test/support/cassandra-global-setup.ts');
  return shared;
}

/** A keyspace name that no other test uses: the prefix and 12 random hexadecimal digits. */
export function uniqueKeyspace(prefix = 'test'): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}

/** A connected plain driver client, for set-up and for looking at rows. The caller shuts it down. */
export async function connectCassandra({
  contactPoint,
  localDataCenter,
  keyspace,
}: SharedCassandra & { readonly keyspace?: string }): Promise<Client> {
  const client = new Client({
    contactPoints: [contactPoint],
    localDataCenter,
    protocolOptions: { port: Number(contactPoint.split(':').at(-1)) },
    ...(keyspace !== undefined && { keyspace }),
  });
  await client.connect();
  return client;
}

/** Drops a keyspace if it exists. */
export async function dropKeyspace(options: SharedCassandra & { readonly keyspace: string }): Promise<void> {
  const { keyspace, ...shared } = options;
  const client = await connectCassandra(shared);
  try {
    await client.execute(`DROP KEYSPACE IF EXISTS "${keyspace}"`, [], { readTimeout: 60_000 });
  } finally {
    await client.shutdown();
  }
}
