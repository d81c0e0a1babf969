/**
 * Layout of a blob's file: the stored chunks one after another, each followed by its CRC32C (4 bytes, big endian). All but
 * the last have the same size, so any chunk is found by arithmetic.
 */
import { join } from 'node:path';
import { StoreError } from '../errors.js';

export const CRC_BYTES = 4;
const INODE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface BlobPath {
  readonly file: string;
  /** the directories between the root and the file, outermost first */
  readonly directories: readonly string[];
}

/** <root>/ab/cd/<inode>: no directory grows large. @throws StoreError internal when the inode is no uuid */
export function blobPath(root: string, inode: string): BlobPath {
  if (!INODE.test(inode)) throw new StoreError('internal', 'notApplied', `inode ${inode} is no uuid`);
  const outer = join(root, inode.slice(0, 2));
  const inner = join(outer, inode.slice(2, 4));
  return { file: join(inner, inode), directories: [outer, inner] };
}

/** Bytes from the start of a chunk to the start of the next. */
export function strideBytes(storedChunkSizeBytes: number): number {
  return storedChunkSizeBytes + CRC_BYTES;
}

/** A region or storage class as one path component: nothing in a configured name can lead elsewhere. */
export function pathComponent(name: string): string {
  const encoded = encodeURIComponent(name).replaceAll('*', '%2A');
  return encoded.startsWith('.') ? `%2E${encoded.slice(1)}` : encoded;
}
