// What lies in a store, byte for byte: to see that a secret is not in it.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { connectCassandra, useCassandra } from '../support/cassandra.js';
import type { Wire } from './servers.js';

/** Whether the marker's bytes are anywhere in the store's files or rows. */
export function storeContains(wire: Wire, marker: Buffer): Promise<boolean> {
  const { dataDir, keyspace } = wire.home;
  return keyspace === null ? filesContain(dataDir, marker) : rowsContain(keyspace, marker);
}

async function filesContain(dir: string, marker: Buffer): Promise<boolean> {
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    if ((await readFile(path.join(entry.parentPath, entry.name))).includes(marker)) return true;
  }
  return false;
}

async function rowsContain(keyspace: string, marker: Buffer): Promise<boolean> {
  const client = await connectCassandra({ ...useCassandra(), keyspace });
  try {
    const tables = await client.execute('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', [
      keyspace,
    ]);
    for (const table of tables.rows) {
      const query = `SELECT * FROM "${String(table['table_name'])}"`;
      for await (const row of await client.execute(query, [], { fetchSize: 50 }))
        if (holds(Object.values(row), marker)) return true;
    }
    return false;
  } finally {
    await client.shutdown();
  }
}

/** Looks into blobs, texts and collections. */
function holds(values: Iterable<unknown>, marker: Buffer): boolean {
  for (const value of values) {
    if (
      Buffer.isBuffer(value) ? value.includes(marker) : typeof value === 'string' && value.includes(marker.toString())
    )
      return true;
    if (Array.isArray(value) && holds(value as unknown[], marker)) return true;
    if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !Array.isArray(value))
      if (Object.getPrototypeOf(value) === Object.prototype && holds(Object.values(value), marker)) return true;
  }
  return false;
}
