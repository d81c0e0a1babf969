/** File system errors as StoreErrors, and the directory syncs that make new names durable. */
import { open } from 'node:fs/promises';
import { StoreError } from '../errors.js';
import type { StoreErrorKind } from '../errors.js';

const KINDS: Readonly<Record<string, StoreErrorKind>> = {
  ENOSPC: 'storage',
  EDQUOT: 'storage',
  EROFS: 'storage',
  EACCES: 'storage',
  EPERM: 'storage',
  EIO: 'storage',
  EFBIG: 'storage',
  EMFILE: 'overloaded',
  ENFILE: 'overloaded',
  ENOMEM: 'overloaded',
  ENOENT: 'corrupt',
};

/** what: the step that failed, for the message. Nothing refers to a file before its commit, so the outcome is notApplied. */
export function fileError(what: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = errorCode(cause);
  const kind = (code === null ? undefined : KINDS[code]) ?? 'internal';
  return new StoreError(kind, 'notApplied', `cannot ${what}${code === null ? '' : ` (${code})`}`, cause);
}

/** 'ENOENT' and the like; null for anything that is not a system error. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

interface RunningSync {
  readonly current: Promise<void>;
  next: Promise<void> | null;
}

/**
 * Directory syncs shared by everybody who waits for the same directory: those who come while one runs wait for the next
 * one, so that n files finished at once cost two syncs instead of n.
 */
export class DirectorySyncs {
  readonly #running = new Map<string, RunningSync>();

  /** Resolves when a sync that began after this call is done. */
  sync(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    running.next ??= running.current.then(
      () => this.#start(path),
      () => this.#start(path),
    );
    return running.next;
  }

  #start(path: string): Promise<void> {
    const current = syncDirectory(path);
    const entry: RunningSync = { current, next: null };
    this.#running.set(path, entry);
    const done = () => {
      // a waiting next one starts by itself and puts itself here
      if (this.#running.get(path) === entry && entry.next === null) this.#running.delete(path);
    };
    current.then(done, done);
    return current;
  }
}
