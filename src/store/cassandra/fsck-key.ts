/** One key looked at closely: its versions and uploads, and what the listings say of them, with nothing changing in between. */
import { types } from 'cassandra-driver';
import type { ListingRow } from '../audit.js';
import { StoreError } from '../errors.js';
import type { BucketRef } from '../types.js';
import type { Session } from './cluster.js';
import { listedRows } from './fsck-heads.js';
import { listingRow } from './fsck-listings.js';
import { uploadRow } from './fsck-uploads.js';
import type { HeadTable } from './head-table.js';
import { INDEX_TABLES } from './index-tables.js';
import type { IndexTable } from './index-tables.js';
import type { Ranges } from './ranges.js';
import { numberOf, required, textOf } from './rows.js';
import type { UploadTable } from './upload-table.js';

export interface KeyCheckParts {
  readonly session: Session;
  readonly ranges: Ranges;
  readonly heads: HeadTable;
  readonly uploads: UploadTable;
}

const MAX_LOOKS = 20;

export async function checkKey(
  parts: KeyCheckParts,
  bucket: BucketRef,
  key: string,
  uploadIds: readonly string[],
): Promise<string[]> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const before = await parts.heads.all(bucket, key);
    const listed = await listedOf(parts, bucket, key);
    const uploads = await expectedUploads(parts, bucket, key, [
      ...new Set([...uploadIds, ...listed.filter(({ list }) => list === 'uploads').map(({ sub }) => sub)]),
    ]);
    const after = await parts.heads.all(bucket, key);
    if (before.head.clock !== after.head.clock) continue;
    const latestSeq = after.head.state.latest?.seq;
    const expected = after.versions.flatMap((version) =>
      listedRows({
        bucket: bucket.instance,
        key,
        version,
        versioned: after.head.versioned,
        latest: version.seq === latestSeq,
      }),
    );
    return differences([...expected, ...uploads], listed);
  }
  throw new StoreError('contention', 'notApplied', `key ${JSON.stringify(key)} changes faster than it can be checked`);
}

async function listedOf({ session, ranges }: KeyCheckParts, bucket: BucketRef, key: string): Promise<ListingRow[]> {
  const rowsOf = (table: IndexTable): Promise<ListingRow[]> =>
    ranges.readAt(bucket.instance, key, async (range) => {
      const at = ['key', ...(table.sub === null ? [] : [table.sub])];
      const columns = [...at, ...table.cells].join(', ');
      const query = `SELECT ${columns} FROM ${session.keyspace}.${table.name} WHERE bucket = ? AND range = ? AND key = ?`;
      const found: ListingRow[] = [];
      const params = [types.Uuid.fromString(bucket.instance), range, key];
      for await (const page of session.pages(query, params, 1_000)) {
        for (const row of page) {
          const cells = table.cells.map((name) => required(textOf(row, name), name));
          const values = at.map((name) => (name === 'seq' ? numberOf(row, name) : textOf(row, name)));
          found.push(listingRow(bucket.instance, table, { key, at: values, cells, written: 0, sizeBytes: 0 }));
        }
      }
      return found;
    });
  return (await Promise.all(INDEX_TABLES.map(rowsOf))).flat();
}

async function expectedUploads(
  { uploads }: KeyCheckParts,
  bucket: BucketRef,
  key: string,
  uploadIds: readonly string[],
): Promise<ListingRow[]> {
  const rows: ListingRow[] = [];
  for (const uploadId of uploadIds) {
    const found = await uploads.read({ bucket, key, uploadId }, { serial: true });
    if (found !== null) rows.push(uploadRow(bucket.instance, key, found.record));
  }
  return rows;
}

function differences(expected: readonly ListingRow[], listed: readonly ListingRow[]): string[] {
  const nameOf = ({ list, sub }: ListingRow): string => (sub === '' ? list : `${list} (${sub})`);
  const left = new Map(listed.map((row) => [nameOf(row), row.entry]));
  const found: string[] = [];
  for (const row of expected) {
    const name = nameOf(row);
    const entry = left.get(name);
    left.delete(name);
    if (entry === undefined) found.push(`not in the listing of ${name}`);
    else if (entry !== row.entry) found.push(`the listing of ${name} says something else`);
  }
  for (const name of left.keys()) found.push(`in the listing of ${name}, but not there`);
  return found;
}
