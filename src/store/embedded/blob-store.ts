/** One storage class of one region as a directory of blob files. */
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NO_OBSERVER } from '../shared/observer.js';
import type { StoreObserver } from '../shared/observer.js';
import type { BlobStore, BlobWriter } from '../types.js';
import { blobPath } from './blob-file.js';
import type { BlobPath } from './blob-file.js';
import { readFileChunks } from './blob-reader.js';
import { FileBlobWriter, unlinkIfThere } from './blob-writer.js';
import type { DirectorySyncs } from './fs-errors.js';
import { errorCode, fileError } from './fs-errors.js';

const MIN_WINDOW = 2;
const MAX_WINDOW = 16;
/** Bytes in flight per blob that keep a disk and the thread pool busy. */
const IN_FLIGHT_BYTES = 2 * 1024 * 1024;

export interface FileBlobStoreOptions {
  /** exists and is durable */
  readonly root: string;
  readonly chunkSizeBytes: number;
  readonly directorySyncs: DirectorySyncs;
  /** Told of syncs; default nobody. */
  readonly observer?: StoreObserver;
}

export class FileBlobStore implements BlobStore {
  readonly chunkSizeBytes: number;
  readonly window: number;
  readonly #root: string;
  readonly #syncs: DirectorySyncs;
  readonly #observer: StoreObserver;
  /** directory -> resolves when it exists durably */
  readonly #directories = new Map<string, Promise<void>>();

  constructor({ root, chunkSizeBytes, directorySyncs, observer = NO_OBSERVER }: FileBlobStoreOptions) {
    this.#root = root;
    this.#observer = observer;
    this.#syncs = directorySyncs;
    this.chunkSizeBytes = chunkSizeBytes;
    this.window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, Math.ceil(IN_FLIGHT_BYTES / chunkSizeBytes)));
  }

  /** @throws StoreError internal when the inode has a file already */
  async openWriter(
    inode: string,
    options: { readonly storedChunkSizeBytes: number; readonly signal?: AbortSignal },
  ): Promise<BlobWriter> {
    const path = blobPath(this.#root, inode);
    try {
      const file = await this.#create(path).catch((cause: unknown) => {
        if (errorCode(cause) !== 'ENOENT') throw cause;
        // somebody tidied up empty directories
        for (const directory of path.directories) this.#directories.delete(directory);
        return this.#create(path);
      });
      return new FileBlobWriter({
        file,
        path: path.file,
        storedChunkSizeBytes: options.storedChunkSizeBytes,
        signal: options.signal,
        observer: this.#observer,
        syncName: () => this.#syncs.sync(dirname(path.file)),
      });
    } catch (cause) {
      throw fileError(`create the blob file ${path.file}`, cause);
    }
  }

  async *readChunks(
    inode: string,
    options: {
      readonly first: number;
      readonly last: number;
      readonly storedChunkSizeBytes: number;
      readonly signal?: AbortSignal;
    },
  ): AsyncGenerator<Buffer, void, undefined> {
    const { file: path } = blobPath(this.#root, inode);
    if (options.last < options.first) return;
    let file;
    try {
      file = await open(path, constants.O_RDONLY);
    } catch (cause) {
      throw fileError(`open the blob file ${path}`, cause);
    }
    try {
      // the descriptor stays open to the end: deleting the blob meanwhile does not break the read
      yield* readFileChunks({ ...options, file, path, window: this.window, signal: options.signal });
    } finally {
      await file.close();
    }
  }

  /** Durable when it resolves: a name that came back after a power failure would be found by nobody. */
  async delete(inode: string): Promise<void> {
    const { file } = blobPath(this.#root, inode);
    try {
      if (await unlinkIfThere(file)) await this.#syncs.sync(dirname(file));
    } catch (cause) {
      throw fileError(`delete the blob file ${file}`, cause);
    }
  }

  async #create(path: BlobPath): Promise<FileHandle> {
    for (const directory of path.directories) await this.#ensure(directory);
    return open(path.file, 'wx', 0o600);
  }

  /** Every process does this once per directory, also when another one has created it but maybe not yet synced its name. */
  #ensure(directory: string): Promise<void> {
    const known = this.#directories.get(directory);
    if (known !== undefined) return known;
    const ensured = this.#createDirectory(directory);
    this.#directories.set(directory, ensured);
    ensured.catch(() => this.#directories.delete(directory));
    return ensured;
  }

  async #createDirectory(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true });
    await this.#syncs.sync(dirname(directory));
  }
}
