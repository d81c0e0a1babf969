/** One storage class of one region as a directory of blob files. */
import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NO_OBSERVER } from '../shared/observer.js';
import type { StoreObserver } from '../shared/observer.js';
import type { BlobStore, BlobWriter, ChunkRange } from '../types.js';
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
  /** inode -> its empty file, open */
  readonly #ahead = new Map<string, FileHandle>();

  constructor({ root, chunkSizeBytes, directorySyncs, observer = NO_OBSERVER }: FileBlobStoreOptions) {
    this.#root = root;
    this.#observer = observer;
    this.#syncs = directorySyncs;
    this.chunkSizeBytes = chunkSizeBytes;
    this.window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, Math.ceil(IN_FLIGHT_BYTES / chunkSizeBytes)));
  }

  /**
   * Files for blobs that openWriter will be asked for; their names are durable when it resolves. Those nobody writes are closed by
   * delete.
   * @throws StoreError; then there are none of them, as well as that could be done
   */
  async createAhead(inodes: readonly string[]): Promise<void> {
    const paths = inodes.map((inode) => blobPath(this.#root, inode));
    const creating = inodes.map(async (inode, i) => {
      const path = paths[i];
      if (path !== undefined) this.#ahead.set(inode, await this.#createAnew(path));
    });
    try {
      await Promise.all(creating);
      await Promise.all([...new Set(paths.map(({ file }) => dirname(file)))].map((path) => this.#syncs.sync(path)));
    } catch (cause) {
      await Promise.allSettled(creating);
      await Promise.allSettled(inodes.map((inode) => this.delete(inode)));
      throw fileError('create blob files', cause);
    }
  }

  /** @throws StoreError internal when the inode has a file already that was not created ahead */
  async openWriter(
    inode: string,
    options: { readonly storedChunkSizeBytes: number; readonly signal?: AbortSignal },
  ): Promise<BlobWriter> {
    const path = blobPath(this.#root, inode);
    const ahead = this.#ahead.get(inode);
    this.#ahead.delete(inode);
    try {
      const file = ahead ?? (await this.#createAnew(path));
      return new FileBlobWriter({
        file,
        path: path.file,
        storedChunkSizeBytes: options.storedChunkSizeBytes,
        signal: options.signal,
        observer: this.#observer,
        syncName: ahead === undefined ? () => this.#syncs.sync(dirname(path.file)) : null,
      });
    } catch (cause) {
      throw fileError(`create the blob file ${path.file}`, cause);
    }
  }

  async *readChunks(inode: string, range: ChunkRange): AsyncGenerator<Buffer, void, undefined> {
    const { file: path } = blobPath(this.#root, inode);
    if (range.last < range.first) return;
    let file;
    try {
      file = await open(path, constants.O_RDONLY);
    } catch (cause) {
      throw fileError(`open the blob file ${path}`, cause);
    }
    try {
      // the descriptor stays open to the end: deleting the blob meanwhile does not break the read
      yield* readFileChunks({ ...range, file, path, window: this.window });
    } finally {
      // Nobody has to wait for it, and what was read does not depend on it.
      file.close().catch(() => undefined);
    }
  }

  /** Durable when it resolves: a name that came back after a power failure would be found by nobody. */
  async delete(inode: string): Promise<void> {
    const { file } = blobPath(this.#root, inode);
    const ahead = this.#ahead.get(inode);
    this.#ahead.delete(inode);
    try {
      await ahead?.close();
      if (await unlinkIfThere(file)) await this.#syncs.sync(dirname(file));
    } catch (cause) {
      throw fileError(`delete the blob file ${file}`, cause);
    }
  }

  /** Files that were created ahead and that nobody has opened stay where they are. */
  async close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#ahead.values(), (file) => file.close()));
    this.#ahead.clear();
  }

  async #createAnew(path: BlobPath): Promise<FileHandle> {
    try {
      return await this.#create(path);
    } catch (cause) {
      if (errorCode(cause) !== 'ENOENT') throw cause;
      // somebody tidied up empty directories
      for (const directory of path.directories) this.#directories.delete(directory);
      return this.#create(path);
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
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await this.#syncs.sync(dirname(directory));
  }
}
