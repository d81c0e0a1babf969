/** The disks that the embedded store lies on, and how full they are. */
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreTopology, StoreVolume } from '../types.js';
import { fileError } from './fs-errors.js';

type Folder = Pick<StoreVolume, 'path' | 'holds'>;

/**
 * @param folders the first is that of the LMDB environment
 * @throws StoreError storage when a folder is not there any more
 */
export async function embeddedTopology(folders: readonly Folder[]): Promise<StoreTopology> {
  return {
    kind: 'embedded',
    volumes: await Promise.all(folders.map(volumeOf)),
    metadataBytes: await sizeOf(join(folders[0]?.path ?? '', 'data.mdb')),
  };
}

async function volumeOf({ path, holds }: Folder): Promise<StoreVolume> {
  try {
    const { bsize, blocks, bavail } = await statfs(path);
    return { path, holds, totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch (cause) {
    throw fileError(`look at the file system of ${path}`, cause);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    throw fileError(`look at ${path}`, cause);
  }
}
