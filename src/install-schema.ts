/** The bootstrap action: every keyspace that the configuration names gets its schema. */
import type { Logger } from 'pino';
import type { CassandraStoreConfig } from './config/index.js';
import { installSchema, schemaTargets } from './store/cassandra/bootstrap.js';

export async function installSchemaOf(
  store: CassandraStoreConfig,
  {
    log,
    signal,
    waitMs,
  }: {
    readonly log: Logger;
    readonly signal: AbortSignal;
    /** How long a Cassandra that is still starting is waited for. */
    readonly waitMs: number;
  },
): Promise<void> {
  const reports = await installSchema({
    targets: schemaTargets(store),
    log: (message) => log.info(message),
    signal,
    waitMs,
  });
  for (const report of reports) log.info(report, 'schema is up to date');
}
