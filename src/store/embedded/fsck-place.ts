/** The folder of a storage class: its blob files, and whether one is what it should be. */
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditPage, AuditScan, BlobCheck, BlobFault, ExpectedBlob, PlaceAudit, StoredBlob } from '../audit.js';
import { StoreError } from '../errors.js';
import { blobPath, CRC_BYTES, strideBytes } from './blob-file.js';
import { readFileChunks } from './blob-reader.js';
import { errorCode, fileError } from './fs-errors.js';

const INODE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MAX_FAULTS = 20;

export class FolderPlace implements PlaceAudit {
  readonly name: string;
  readonly serves: PlaceAudit['serves'];
  readonly #root: string;

  constructor(root: string, serves: readonly [region: string, storageClass: string]) {
    this.name = `folder ${root}`;
    this.serves = [serves];
    this.#root = root;
  }

  /** Inner folder by inner folder: the cursor is the last one that is done. */
  async *blobs({ cursor, signal }: AuditScan): AsyncGenerator<AuditPage<StoredBlob>> {
    const outers = await hexFolders(this.#root);
    for (const outer of outers) {
      for (const inner of await hexFolders(join(this.#root, outer))) {
        const at = `${outer}/${inner}`;
        if (cursor !== null && at <= cursor) continue;
        signal.throwIfAborted();
        const items: StoredBlob[] = [];
        for (const name of await namesIn(join(this.#root, at))) {
          const found = INODE.test(name) ? await this.find({ inode: name }) : null;
          if (found !== null) items.push(found);
        }
        yield { items, faults: [], cursor: at, fraction: Number.parseInt(outer + inner, 16) / 0x1_00_00 };
      }
    }
  }

  async find({ inode }: Pick<StoredBlob, 'inode'>): Promise<StoredBlob | null> {
    const { file } = blobPath(this.#root, inode);
    try {
      return { inode, writtenMs: (await stat(file)).mtimeMs, strayBlock: null };
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return null;
      throw fileError(`look at the blob file ${file}`, cause);
    }
  }

  /** A file goes as a whole. */
  async prepareDeletion(): Promise<void> {
    await Promise.resolve();
  }

  async sizeBytes(inode: string): Promise<number | null> {
    try {
      return (await stat(blobPath(this.#root, inode).file)).size;
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return 0;
      throw fileError('look at a blob file', cause);
    }
  }

  async check(blob: ExpectedBlob, { data, onRead, signal }: BlobCheck): Promise<readonly BlobFault[]> {
    const { file: path } = blobPath(this.#root, blob.inode);
    await onRead(1);
    let file;
    try {
      file = await open(path, constants.O_RDONLY);
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') return [{ what: 'its file is not there', kind: 'missing', repaired: false }];
      throw fileError(`open the blob file ${path}`, cause);
    }
    const faults: BlobFault[] = [];
    try {
      const { chunks, storedChunkSizeBytes, lastChunkSizeBytes } = blob;
      const expected =
        chunks === 0 ? 0 : (chunks - 1) * strideBytes(storedChunkSizeBytes) + lastChunkSizeBytes + CRC_BYTES;
      const { size } = await file.stat();
      if (size !== expected) {
        const what = `its file has ${size} bytes, not ${expected}`;
        faults.push({ what, kind: size < expected ? 'missing' : 'corrupt', repaired: false });
      }
      for (let next = 0; data && next < chunks && faults.length < MAX_FAULTS; next++) {
        try {
          const range = { first: next, last: chunks - 1, storedChunkSizeBytes, lastSizeBytes: lastChunkSizeBytes };
          for await (const _chunk of readFileChunks({ ...range, window: 1, signal, file, path })) {
            await onRead(1);
            next += 1;
          }
        } catch (error) {
          if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
          faults.push({ what: `chunk ${next} is missing or damaged`, kind: 'corrupt', repaired: false });
        }
      }
    } finally {
      await file.close();
    }
    return faults;
  }
}

async function hexFolders(path: string): Promise<string[]> {
  return (await namesIn(path)).filter((name) => /^[0-9a-f]{2}$/.test(name));
}

/** In order; none where there is no such folder (any more). */
async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return [];
    throw fileError(`list the folder ${path}`, cause);
  }
}
