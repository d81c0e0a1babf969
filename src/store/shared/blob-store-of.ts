/** The blobstore of a storage class. */
import type { BlobStore, Region } from '../types.js';

/** storageClass: upper case. @throws Error when the region has none: stored data name a class that the configuration lacks */
export function blobStoreOf({ blobs }: Pick<Region, 'blobs'>, storageClass: string): BlobStore {
  const store = blobs.get(storageClass);
  if (store === undefined) throw new Error(`no blobstore for storage class ${storageClass}`);
  return store;
}
