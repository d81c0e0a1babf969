/**
 * The LMDB environment: its tables, reads of the latest committed state, and group commit.
 *
 * Durability. The environment is opened with overlappingSync off: LMDB then writes and fdatasyncs the data pages, writes
 * the meta page through an O_DSYNC descriptor, and only then does the transaction become visible and its promise resolve.
 * With lmdb-js's default (overlappingSync on) the promise means "visible" only; a reader could see, and be told of, a
 * commit that a power failure undoes, and `flushed` would have to be awaited besides.
 *
 * Isolation of jobs. All jobs that wait when the writer's turn comes share one LMDB transaction (group commit). A job first
 * reads and decides, and only hands over the writes to make; so a job that throws has written nothing and the others of its
 * group go on. A write that LMDB itself refuses aborts the group as a whole: it runs in a child transaction.
 *
 * Several processes may have the environment open. LMDB's writer lock orders their transactions; readers take a snapshot
 * per read (fresh()), because a commit acknowledged by another process has to be seen at once.
 */
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { StoreError } from '../errors.js';
import type { StoreErrorKind } from '../errors.js';
import { NO_OBSERVER } from '../shared/observer.js';
import type { StoreObserver } from '../shared/observer.js';
import { errorCode } from './fs-errors.js';

export type Table = Database<Buffer, Buffer>;

/** Of one region. Keys and values: keys.ts, rows.ts, uploads.ts, garbage.ts, holders.ts, outbox.ts. */
export interface RegionTables {
  /** Newest version of each key whose newest version is an object: this is what ListObjects walks along. */
  readonly live: Table;
  /** Newest version of each key whose newest version is a delete marker. */
  readonly hidden: Table;
  /** All versions but the newest of each key. */
  readonly older: Table;
  /** Inline bytes, and documents too long for their row, by seq in pieces of one page. */
  readonly payload: Table;
  readonly uploads: Table;
  readonly parts: Table;
  readonly intents: Table;
  readonly garbage: Table;
  readonly outbox: Table;
  /** finished-uploads.ts */
  readonly finishedUploads: Table;
  /** Keys that may refer to a blob besides the one it was written for: holders.ts. */
  readonly holders: Table;
  /** Which process delivers a queue of the outbox. */
  readonly outboxLease: Table;
}

const REGION_TABLES = [
  'live',
  'hidden',
  'older',
  'payload',
  'uploads',
  'parts',
  'intents',
  'garbage',
  'outbox',
  'outboxLease',
  'holders',
  'finishedUploads',
] as const;
const GLOBAL_TABLES = 6;

export interface DatabaseOptions {
  readonly path: string;
  readonly regionNames: readonly string[];
  /** Told of commits; default nobody. */
  readonly observer?: StoreObserver;
}

/** The writes that a job hands over. */
export class Writes {
  readonly #writes: { readonly table: Table; readonly key: Buffer; readonly value: Buffer | null }[] = [];

  put(table: Table, key: Buffer, value: Buffer): void {
    this.#writes.push({ table, key, value });
  }

  remove(table: Table, key: Buffer): void {
    this.#writes.push({ table, key, value: null });
  }

  /** Inside the write transaction, where lmdb-js applies writes at once and the promises it returns are settled ones. */
  apply(): void {
    for (const { table, key, value } of this.#writes) {
      if (value === null) void table.remove(key);
      else void table.put(key, value);
    }
  }
}

interface Job {
  readonly work: (writes: Writes) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | null;
}

/** Jobs in one transaction: bounds how long it holds the writer lock and the event loop. */
const GROUP_LIMIT = 256;
const MAX_READERS = 1024;
/** Address space reserved for the map, so that it need not move while it grows: costs neither memory nor disk. */
const MAP_SIZE_BYTES = 1024 ** 4;

export class MetaDatabase {
  readonly #env: RootDatabase<Buffer, Buffer>;
  readonly #regions = new Map<string, RegionTables>();
  readonly buckets: Table;
  readonly tenants: Table;
  /** Documents of the identity service and the index of its access keys: iam.ts. */
  readonly iam: Table;
  readonly iamKeys: Table;
  /** Counters and limits of buckets and tenants: quota-rows.ts. */
  readonly quotas: Table;
  /** Values that belong to the environment as a whole: the greatest seq given out. */
  readonly global: Table;
  #queue: Job[] = [];
  #pumping: Promise<void> | null = null;
  #closed = false;
  readonly #observer: StoreObserver;

  constructor(options: DatabaseOptions) {
    this.#observer = options.observer ?? NO_OBSERVER;
    this.#env = open<Buffer, Buffer>({
      path: options.path,
      overlappingSync: false,
      // a batch has a promise of its own, which nobody could handle when the commit fails: the process would end
      eventTurnBatching: false,
      maxDbs: GLOBAL_TABLES + REGION_TABLES.length * options.regionNames.length,
      maxReaders: MAX_READERS,
      mapSize: MAP_SIZE_BYTES,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    this.buckets = this.#table('buckets');
    this.tenants = this.#table('tenants');
    this.iam = this.#table('iam');
    this.iamKeys = this.#table('iam-keys');
    this.quotas = this.#table('quotas');
    this.global = this.#table('global');
    for (const region of options.regionNames) {
      const tables = REGION_TABLES.map((table) => [table, this.#table(`${region}/${table}`)] as const);
      this.#regions.set(region, Object.fromEntries(tables) as unknown as RegionTables);
    }
  }

  region(name: string): RegionTables {
    const tables = this.#regions.get(name);
    if (tables === undefined) throw new StoreError('internal', 'notApplied', `no region ${name} in the embedded store`);
    return tables;
  }

  /** To be called before the first read of an operation: what follows, up to the next await, sees the latest commits. */
  fresh(): void {
    this.#checkOpen();
    this.#env.resetReadTxn();
  }

  /**
   * Runs work in the write transaction and applies the writes that it hands over; resolves with its result once they are
   * on disk. work runs once, must be synchronous, and sees the writes of earlier jobs but not its own.
   * @throws what work throws (nothing is written then); StoreError closed, storage, internal
   */
  transact<T>(work: (writes: Writes) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#checkOpen();
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject, outcome: null });
      this.#pumping ??= this.#pump();
    });
  }

  /** Waits for the transactions that were asked for. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pumping;
    await this.#env.close();
  }

  #table(name: string): Table {
    return this.#env.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' });
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('closed', 'notApplied', 'the embedded store is closed');
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      let group: Job[] = [];
      let refused = false;
      const end = this.#observer.began('commit');
      try {
        await this.#env.childTransaction(() => {
          // whoever came while the transaction before was being written is in the queue by now
          group = this.#queue.splice(0, GROUP_LIMIT);
          try {
            for (const job of group) runJob(job);
          } catch (cause) {
            refused = true;
            throw cause;
          }
        });
      } catch (cause) {
        const error = await commitError(cause, refused);
        end({ error });
        // no group: the transaction did not even begin, and would not for those who wait either
        for (const job of group.length > 0 ? group : this.#queue.splice(0)) {
          job.reject(job.outcome?.ok === false ? job.outcome.error : error);
        }
        continue;
      }
      end({ error: null });
      for (const job of group) {
        if (job.outcome?.ok === true) job.resolve(job.outcome.value);
        else job.reject(job.outcome?.error);
      }
    }
    this.#pumping = null;
  }
}

function runJob(job: Job): void {
  const writes = new Writes();
  try {
    job.outcome = { ok: true, value: job.work(writes) };
  } catch (error) {
    job.outcome = { ok: false, error };
    return;
  }
  writes.apply();
}

/** LMDB's and errno's numbers of "there is no room for it", which LMDB finds out before it touches the meta page. */
const NOT_APPLIED: ReadonlyMap<number, StoreErrorKind> = new Map([
  [-30792, 'storage'], // MDB_MAP_FULL
  [-30788, 'storage'], // MDB_TXN_FULL
  [12, 'overloaded'], // ENOMEM
  [13, 'storage'], // EACCES
  [27, 'storage'], // EFBIG
  [28, 'storage'], // ENOSPC
  [30, 'storage'], // EROFS
  [122, 'storage'], // EDQUOT
]);

const EIO = 5;

/** refused: LMDB refused a write, so that the transaction was aborted before its commit. */
async function commitError(error: unknown, refused: boolean): Promise<StoreError> {
  let cause = error;
  if (error instanceof Error && 'commitError' in error) {
    // lmdb-js hands the reason over as a promise that rejects
    cause = await Promise.resolve(error.commitError).then(
      () => error,
      (reason: unknown) => reason,
    );
  }
  const code = cause instanceof Error && 'code' in cause ? Number(cause.code) : Number.NaN;
  // short writes, so a full disk too, but also a failed sync: then the meta page may or may not have been written
  if (code === EIO)
    return new StoreError('storage', refused ? 'notApplied' : 'unknown', 'cannot write metadata', cause);
  const kind = NOT_APPLIED.get(code);
  if (kind !== undefined) return new StoreError(kind, 'notApplied', 'cannot write metadata', cause);
  return new StoreError(
    'internal',
    refused ? 'notApplied' : 'unknown',
    `cannot write metadata (${errorCode(cause) ?? code})`,
    cause,
  );
}
