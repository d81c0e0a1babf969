/** All rows of the garbage tables, due or not. */
import { types } from 'cassandra-driver';
import type { BacklogEntry } from '../audit.js';
import type { Session } from './cluster.js';
import { decodeItems, hourScope } from './garbage-rows.js';
import { numberOf, textOf, uuidOf } from './rows.js';

const PAGE_ROWS = 200;

export async function* auditBacklog(
  { session, region }: { readonly session: Session; readonly region: string },
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<readonly BacklogEntry[]> {
  const { keyspace } = session;
  const names = async function* (scope: string): AsyncGenerator<string> {
    const query = `SELECT name FROM ${keyspace}.garbage_shard WHERE scope = ?`;
    for await (const page of session.pages(query, [scope], 1_000))
      for (const row of page) yield textOf(row, 'name') ?? '';
  };
  const query = `SELECT id, kind, not_before, items FROM ${keyspace}.garbage WHERE shard = ?`;
  for await (const hour of names(region)) {
    for await (const name of names(hourScope(region, hour))) {
      for await (const rows of session.pages(query, [`${region}/${name}`], PAGE_ROWS)) {
        signal.throwIfAborted();
        const entries: BacklogEntry[] = [];
        for (const row of rows) {
          const kind = textOf(row, 'kind');
          const items = textOf(row, 'items');
          if (items === null || (kind !== 'commit' && kind !== 'intent' && kind !== 'garbage')) continue;
          const notBeforeMs = numberOf(row, 'not_before') ?? 0;
          const createdMs = createdOf(uuidOf(row, 'id'));
          for (const { bucket, key, blobs } of decodeItems(items, region))
            entries.push({ kind, bucket, key, blobs, createdMs, notBeforeMs });
        }
        if (entries.length > 0) yield entries;
      }
    }
  }
}

function createdOf(id: string | null): number | null {
  return id === null ? null : types.TimeUuid.fromString(id).getDate().getTime();
}
