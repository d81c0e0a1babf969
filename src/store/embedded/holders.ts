/**
 * Which keys a blob may be referred to by, once a rename has carried it to another one: holders: inode -> JSON of keys. Whoever
 * asks whether a blob is garbage asks all of them. A name that is there in vain costs a look, one that is missing would cost the
 * data: names are only added, and go with the blob.
 */
import { blobsOf, unreferencedBlobs } from '../shared/key-change.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRef, ObjectData } from '../types.js';
import type { RegionContext } from './context.js';
import type { Writes } from './database.js';
import { KeyRows } from './key-state.js';
import { partsOfKey } from './uploads.js';

type Tables = Pick<RegionContext, 'tables'>['tables'];

/** Within the transaction that makes the target refer to the blobs. */
export function addHolders(
  { tables }: Pick<RegionContext, 'tables'>,
  writes: Writes,
  { data, keys }: { readonly data: ObjectData; readonly keys: readonly string[] },
): void {
  for (const { inode } of blobsOf(data)) {
    const held = new Set([...holdersOf(tables, inode), ...keys]);
    writes.put(tables.holders, inodeKey(inode), Buffer.from(JSON.stringify([...held])));
  }
}

/** In the current snapshot or transaction. */
export function holdersOf(tables: Tables, inode: string): readonly string[] {
  const stored = tables.holders.getBinary(inodeKey(inode));
  return stored === undefined ? [] : (JSON.parse(stored.toString('utf8')) as string[]);
}

function inodeKey(inode: string): Buffer {
  return Buffer.from(inode, 'utf8');
}

/** Those of the blobs that nothing refers to, as the current snapshot or transaction has it. */
export function unheld(
  tables: Tables,
  bucket: BucketRef,
  key: string,
  blobs: readonly BlobName[],
): readonly BlobName[] {
  const free = withoutReferences(tables, bucket, key, blobs);
  return free.filter((blob) =>
    holdersOf(tables, blob.inode).every(
      (holder) => holder === key || withoutReferences(tables, bucket, holder, [blob]).length === 1,
    ),
  );
}

function withoutReferences(tables: Tables, bucket: BucketRef, key: string, blobs: readonly BlobName[]): BlobName[] {
  const versions = [...new KeyRows(tables, bucket, key).versions()];
  const parts = partsOfKey(tables, bucket, key).map((part) => part.blob);
  return unreferencedBlobs(blobs, [...versions, { data: { kind: 'blobs', blobs: parts } }]);
}

/** The sweeper is done with the blobs: who held those that are gone need not be known any more. */
export function forgetHolders(
  { tables }: Pick<RegionContext, 'tables'>,
  writes: Writes,
  { bucket, key, blobs }: { readonly bucket: BucketRef; readonly key: string; readonly blobs: readonly BlobName[] },
): void {
  const known = blobs.filter(({ inode }) => tables.holders.getBinary(inodeKey(inode)) !== undefined);
  if (known.length === 0) return;
  for (const { inode } of unheld(tables, bucket, key, known)) writes.remove(tables.holders, inodeKey(inode));
}
