/** Rows of listings as records that can be compared: those there should be, and those there are. */
import { createHash } from 'node:crypto';
import type { ListingRow } from '../store/audit.js';
import { hashOf } from './spill.js';
import type { Spill } from './spill.js';

type RowId = readonly [region: string, list: ListingRow['list'], bucket: string, key: string, sub: string];

/** All rows of a key lie in one part. */
export function addRow(heap: Spill, region: string, { list, bucket, key, sub, entry }: ListingRow): void {
  const id: RowId = [region, list, bucket, key, sub];
  heap.add({
    hash: hashOf(`${bucket}/${key}`),
    id: Buffer.from(JSON.stringify(id)),
    payload: createHash('sha1').update(entry).digest(),
  });
}

export function rowOf(id: Buffer): Pick<ListingRow, 'list' | 'bucket' | 'key' | 'sub'> & { readonly region: string } {
  const [region, list, bucket, key, sub] = JSON.parse(id.toString('utf8')) as RowId;
  return { region, list, bucket, key, sub };
}
