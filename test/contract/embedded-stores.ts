/** Embedded stores on fresh directories, for the contract suites. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStores } from '../../src/store/embedded/index.js';
import type { EmbeddedStoresOptions } from '../../src/store/embedded/index.js';
import { GC_GRACE_MS, INTENT_LEASE_MS } from './suite/harness.js';
import type { StoresUnderTest } from './suite/harness.js';

/** Small, so that a few hundred KiB have many chunks. */
export const CHUNK_SIZE_BYTES = 64 * 1024;
const CRC_BYTES = 4;

export async function makeDataDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'pithos-embedded-'));
}

export function embeddedOptions(dataDir: string): EmbeddedStoresOptions {
  return {
    dataDir,
    regionNames: ['test-region'],
    storageClasses: { STANDARD: null, GLACIER: null },
    chunkSizeBytes: CHUNK_SIZE_BYTES,
    gcGraceMs: GC_GRACE_MS,
    intentLeaseMs: INTENT_LEASE_MS,
  };
}

export async function makeEmbeddedStores(): Promise<StoresUnderTest> {
  const dataDir = await makeDataDir();
  return {
    open: (limits = {}) => openEmbeddedStores({ ...embeddedOptions(dataDir), ...limits }),
    corruptBlob: async (region, storageClass, inode, chunkIndex) => {
      const file = await open(blobFile(dataDir, region, storageClass, inode), 'r+');
      try {
        const at = chunkIndex * (CHUNK_SIZE_BYTES + CRC_BYTES) + 3;
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, at);
        await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, at);
      } finally {
        await file.close();
      }
    },
    cleanup: () => rm(dataDir, { recursive: true, force: true }),
  };
}

export function blobFile(dataDir: string, region: string, storageClass: string, inode: string): string {
  return join(dataDir, 'blobs', region, storageClass, inode.slice(0, 2), inode.slice(2, 4), inode);
}
