/** Whether the keyspaces hold what this version of the software needs, and what to do when they do not. */
import { StoreError } from '../errors.js';
import { appliedMigrations } from './bootstrap.js';
import type { Session } from './cluster.js';
import { toStoreError } from './driver-errors.js';
import { loadMigrations } from './migrations.js';
import type { Layer } from './migrations.js';

/** @throws StoreError internal, naming `bootstrap`, when a keyspace or a migration is missing; unavailable, timeout, ... */
export async function verifySchema(
  sessions: readonly { readonly layer: Layer; readonly session: Session }[],
): Promise<void> {
  const migrations = await loadMigrations();
  const seen = new Map<string, Promise<ReadonlyMap<string, string>>>();
  for (const { layer, session } of sessions) {
    const { keyspace } = session.target;
    const client = await session.cluster.client();
    const place = `${keyspace} ${session.target.contactPoints.join()}`;
    const reading = seen.get(place) ?? appliedMigrations(client, session.keyspace);
    seen.set(place, reading);
    let applied: ReadonlyMap<string, string>;
    try {
      applied = await reading;
    } catch (cause) {
      throw explained(cause, keyspace);
    }
    // Later migrations than ours are fine: a newer version has been here, and migrations are online.
    const missing = migrations.filter((migration) => migration.layer === layer && !applied.has(migration.id));
    if (missing.length > 0) {
      const ids = missing.map(({ id }) => id).join(', ');
      throw outdated(`keyspace ${keyspace} lacks the schema migrations ${ids}`);
    }
  }
}

function explained(cause: unknown, keyspace: string): StoreError {
  const failure = toStoreError(cause, 'read');
  if (/keyspace .* does not exist/i.test(failure.message))
    return outdated(`keyspace ${keyspace} does not exist`, cause);
  if (/(unconfigured )?table schema_migration|table .*schema_migration.* does not exist/i.test(failure.message)) {
    return outdated(`keyspace ${keyspace} holds no schema of Pithos`, cause);
  }
  return failure;
}

function outdated(what: string, cause?: unknown): StoreError {
  return new StoreError('internal', 'notApplied', `${what}: run bootstrap (install-schema) first`, cause);
}
