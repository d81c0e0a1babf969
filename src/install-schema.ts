/** The bootstrap action: every keyspace that the configuration names gets its schema. */
import type { Logger } from 'pino';
import type { CassandraStoreConfig } from './config/index.js';
import { installSchema, schemaTargets } from './store/cassandra/bootstrap.js';

/** How long a Cassandra that is still starting is waited for, ms. */
const WAIT_MS = 5 * 60 * 1000;

export async function installSchemaOf(
  store: CassandraStoreConfig,
  { log, signal }: { readonly log: Logger; readonly signal: AbortSignal },
): Promise<void> {
  const reports = await installSchema({
    targets: schemaTargets(store),
    log: (message) => log.info(message),
    signal,
    waitMs: WAIT_MS,
  });
  for (const report of reports) log.info(report, 'schema is up to date');
}
