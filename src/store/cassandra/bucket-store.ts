/** Buckets on Cassandra: ownership and every change by lightweight transaction, records remembered for a short time. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.js';
import { prefixEnd } from '../key-order.js';
import { newBucketRecord, patchBucket } from '../shared/buckets.js';
import { tooManyBuckets } from '../shared/version-limit.js';
import type {
  BucketListQuery,
  BucketPage,
  BucketPatch,
  BucketRecord,
  BucketRef,
  BucketStore,
  NewBucket,
} from '../types.js';
import { BucketRows } from './bucket-rows.js';
import type { BucketRow, TenantRow } from './bucket-rows.js';
import type { CasResult, Session } from './cluster.js';
import { KeyedMutex } from './keyed-mutex.js';
import { BUCKET_DELETE_WAIT_MS } from './options.js';
import type { CassandraOptions } from './options.js';
import { backoff } from './retry.js';

const MAX_ATTEMPTS = 40;
const MAX_REMEMBERED = 10_000;
const LIST_PARALLEL = 32;

export interface BucketStoreParts {
  readonly session: Session;
  readonly options: CassandraOptions;
  /** The bucket takes no writes from now on: this gateway need not go on as it remembers the bucket. */
  readonly onFenced: (bucket: BucketRecord) => void;
  /** A bucket was changed here: resolves when those who are told remember it no longer. */
  readonly onChanged: (name: string) => Promise<void>;
  /** Clears what a bucket without versions may still hold, its uploads, once it takes no writes any more. Repeatable. */
  readonly beforeRemoval: (bucket: BucketRecord) => Promise<unknown>;
  /** What counts buckets for quotas is told of their lives: opening answers the record as it is to be written. */
  readonly quotas: {
    opening(bucket: BucketRecord): Promise<BucketRecord>;
    opened(bucket: BucketRecord): Promise<void>;
    closed(bucket: BucketRecord): Promise<void>;
  };
}

export class CassandraBucketStore implements BucketStore {
  readonly #rows: BucketRows;
  readonly #options: CassandraOptions;
  readonly #onFenced: (bucket: BucketRecord) => void;
  readonly #onChanged: (name: string) => Promise<void>;
  readonly #beforeRemoval: (bucket: BucketRecord) => Promise<unknown>;
  readonly #quotas: BucketStoreParts['quotas'];
  /** Changes of one bucket by this gateway, one after another: they would only make each other fail. */
  readonly #busy = new KeyedMutex();
  readonly #remembered = new Map<string, { readonly record: BucketRecord; readonly untilMs: number }>();
  /** Counts what was forgotten: a record that was asked for before is not remembered after. */
  #generation = 0;

  constructor(parts: BucketStoreParts) {
    this.#rows = new BucketRows(parts.session);
    this.#options = parts.options;
    this.#onFenced = parts.onFenced;
    this.#onChanged = parts.onChanged;
    this.#beforeRemoval = parts.beforeRemoval;
    this.#quotas = parts.quotas;
  }

  async create(bucket: NewBucket): Promise<{ readonly created: boolean; readonly bucket: BucketRecord }> {
    const { name, owner } = bucket;
    const before = await this.#rows.read(name, { serial: false });
    if (before !== null) return { created: false, bucket: before.record };
    const record = newBucketRecord(bucket, this.#options.now());
    const { instance } = record;
    await this.#rows.addToTenant(owner.id, name, instance);
    await this.#checkRoom(owner.id, name, instance);
    const row: BucketRow = { record: await this.#quotas.opening(record), changeId: randomUUID() };
    const owned = await this.#busy.run(name, () => this.#insert(row));
    if (owned.instance === instance) {
      this.#remember(owned);
      await this.#quotas.opened(owned);
      return { created: true, bucket: owned };
    }
    await this.#rows.removeFromTenant(owner.id, name, instance);
    await this.#quotas.closed(row.record);
    return { created: false, bucket: owned };
  }

  /**
   * Every creation has its row before it counts, so two at once may both be refused, and never both pass.
   * @throws StoreError tooManyBuckets
   */
  async #checkRoom(tenant: string, name: string, instance: string): Promise<void> {
    const max = this.#options.maxBucketsPerTenant;
    if ((await this.#rows.namesOf(tenant, max + 1)) <= max) return;
    await this.#rows.removeFromTenant(tenant, name, instance);
    throw tooManyBuckets(tenant, max);
  }

  /** Who has the name after trying to take it. */
  async #insert(row: BucketRow): Promise<BucketRecord> {
    for (let attempt = 0; ; attempt++) {
      const result = await unlessUnknown(() => this.#rows.insert(row));
      if (result?.applied === true) return row.record;
      // Either the name is taken, perhaps by this very row when an answer was lost, or it was free again in between. The same
      // row again is safe: its instance is unique.
      const now = await this.#rows.read(row.record.name, { serial: true });
      if (now !== null) return now.record;
      await this.#pause(attempt, result === null);
    }
  }

  async get(name: string, options?: { readonly fresh?: boolean }): Promise<BucketRecord | null> {
    if (options?.fresh !== true) {
      const known = this.#remembered.get(name);
      if (known !== undefined && known.untilMs > performance.now()) return known.record;
    }
    const generation = this.#generation;
    const row = await this.#rows.read(name, { serial: false });
    if (row === null) this.#remembered.delete(name);
    else if (generation === this.#generation) this.#remember(row.record);
    return row?.record ?? null;
  }

  /** Somebody else has changed the bucket. */
  forget(name: string): void {
    this.#generation++;
    this.#remembered.delete(name);
  }

  async update(ref: BucketRef, change: (current: BucketRecord) => BucketPatch): Promise<BucketRecord> {
    const record = await this.#transact(ref, (current) => {
      if (current.state !== 'active') throw bucketGone(ref);
      return patchBucket(current, change(current));
    });
    await this.#onChanged(ref.name);
    return record;
  }

  async delete(ref: BucketRef, isEmpty: () => Promise<boolean>): Promise<'deleted' | 'notEmpty' | 'gone'> {
    let fenced: BucketRecord;
    try {
      // An earlier deletion may have died here: its bucket is taken over. The revision moves, so that only the last one that
      // fenced the bucket, and waited for it, can remove the row.
      fenced = await this.#transact(ref, (current) => ({
        ...current,
        state: 'deleting',
        revision: current.revision + 1,
      }));
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'bucketGone') return 'gone';
      throw error;
    }
    this.#onFenced(fenced);
    await this.#onChanged(fenced.name);
    try {
      if (!(await isEmpty())) return await this.#reactivate(fenced);
      await sleep(BUCKET_DELETE_WAIT_MS);
      if (!(await isEmpty())) return await this.#reactivate(fenced);
      await this.#beforeRemoval(fenced);
    } catch (error) {
      await this.#reactivate(fenced).catch(() => undefined);
      throw error;
    }
    return this.#remove(fenced);
  }

  async #reactivate(fenced: BucketRecord): Promise<'notEmpty' | 'gone'> {
    try {
      await this.#transact(fenced, (current) => {
        // Another deletion has taken over: it decides.
        if (current.revision !== fenced.revision) return null;
        return { ...current, state: 'active', revision: current.revision + 1 };
      });
      return 'notEmpty';
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'bucketGone') return 'gone';
      throw error;
    }
  }

  async #remove(fenced: BucketRecord): Promise<'deleted' | 'notEmpty' | 'gone'> {
    this.#remembered.delete(fenced.name);
    for (let attempt = 0; ; attempt++) {
      const result = await unlessUnknown(() => this.#rows.remove(fenced));
      if (result?.applied === true) break;
      const now = await this.#rows.read(fenced.name, { serial: true });
      if (now?.record.instance !== fenced.instance) {
        if (result === null) break;
        return 'gone';
      }
      if (now.record.revision !== fenced.revision) return this.#leaveTo(fenced);
      await this.#pause(attempt, result === null);
    }
    await this.#rows.removeFromTenant(fenced.owner.id, fenced.name, fenced.instance);
    await this.#quotas.closed(fenced);
    await this.#onChanged(fenced.name);
    return 'deleted';
  }

  /** Another deletion has fenced the bucket since: its answer is the answer. */
  async #leaveTo(fenced: BucketRecord): Promise<'notEmpty' | 'gone'> {
    const deadlineMs = performance.now() + 10 * BUCKET_DELETE_WAIT_MS;
    for (;;) {
      const row = await this.#rows.read(fenced.name, { serial: false });
      if (row?.record.instance !== fenced.instance) return 'gone';
      if (row.record.state === 'active') return 'notEmpty';
      if (performance.now() > deadlineMs) {
        throw new StoreError('contention', 'notApplied', `bucket ${fenced.name} is being deleted by others`);
      }
      await sleep(50);
    }
  }

  async list(tenant: string, query: BucketListQuery): Promise<BucketPage> {
    const buckets: BucketRecord[] = [];
    const end = prefixEnd(query.prefix);
    // The least name after `after` is after with the least character behind it.
    const after = query.after === '' ? '' : `${query.after}\u0000`;
    let from: TenantRow | string = after > query.prefix ? after : query.prefix;
    for (;;) {
      const limit = Math.max(query.limit + 1 - buckets.length, 16);
      const names = await this.#rows.tenantNames(tenant, { from, end, limit });
      for (let i = 0; i < names.length; i += LIST_PARALLEL) {
        const slice = names.slice(i, i + LIST_PARALLEL);
        const rows = await Promise.all(slice.map(({ name }) => this.#rows.read(name, { serial: false })));
        for (const [j, row] of rows.entries()) {
          if (row === null || row.record.instance !== slice[j]?.instance) continue;
          if (query.region !== undefined && row.record.region !== query.region) continue;
          if (buckets.length === query.limit) return { buckets, truncated: true };
          buckets.push(row.record);
        }
      }
      const last = names.at(-1);
      if (last === undefined || names.length < limit) return { buckets, truncated: false };
      from = last;
    }
  }

  /** In order of the names' tokens. */
  async scanAll({ after, limit }: { readonly after: string; readonly limit: number }): Promise<BucketPage> {
    const rows = await this.#rows.afterToken(after, limit + 1);
    return { buckets: rows.slice(0, limit).map(({ record }) => record), truncated: rows.length > limit };
  }

  /**
   * Read-modify-write of one bucket row; next answers null to leave it as it is.
   * @throws StoreError bucketGone, contention, or with outcome unknown
   */
  async #transact(ref: BucketRef, next: (current: BucketRecord) => BucketRecord | null): Promise<BucketRecord> {
    return this.#busy.run(ref.name, () => this.#transactAlone(ref, next));
  }

  async #transactAlone(ref: BucketRef, next: (current: BucketRecord) => BucketRecord | null): Promise<BucketRecord> {
    let serial = false;
    /** Changes whose answer was lost and that may still be applied. */
    let pending: BucketRow[] = [];
    for (let attempt = 0; ; attempt++) {
      const current = await this.#rows.read(ref.name, { serial });
      const mine = pending.find(({ changeId }) => changeId === current?.changeId);
      if (mine !== undefined) return this.#remember(mine.record);
      const revision = current?.record.instance === ref.instance ? current.record.revision : null;
      if (pending.some(({ record }) => revision === null || revision > record.revision)) {
        throw new StoreError('timeout', 'unknown', `the change of bucket ${ref.name} may have been applied`);
      }
      // At its revision, another change took its place: it is dead. Below, it can be applied yet, but then this one cannot.
      pending = pending.filter(({ record }) => record.revision !== revision);
      if (current?.record.instance !== ref.instance) throw bucketGone(ref);
      const record = next(current.record);
      if (record === null) return current.record;
      const row: BucketRow = { record, changeId: randomUUID() };
      const result = await unlessUnknown(() => this.#rows.replace(row, current.record.revision));
      if (result?.applied === true) return this.#remember(record);
      if (result === null) pending.push(row);
      serial = true;
      await this.#pause(attempt, pending.length > 0);
    }
  }

  async #pause(attempt: number, uncertain: boolean): Promise<void> {
    if (attempt >= MAX_ATTEMPTS) {
      throw uncertain
        ? new StoreError('timeout', 'unknown', 'Cassandra does not say whether the bucket was changed')
        : new StoreError('contention', 'notApplied', 'the bucket is changed by too many at once');
    }
    await backoff(attempt);
  }

  #remember(record: BucketRecord): BucketRecord {
    const ttlMs = this.#options.bucketCacheTtlMs;
    if (ttlMs > 0) {
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
      this.#remembered.set(record.name, { record, untilMs: performance.now() + ttlMs });
    }
    return record;
  }
}

function bucketGone(ref: BucketRef): StoreError {
  return new StoreError('bucketGone', 'notApplied', `bucket ${ref.name} no longer exists`);
}

/** null: it may have been applied. */
async function unlessUnknown(attempt: () => Promise<CasResult>): Promise<CasResult | null> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal') return null;
    throw error;
  }
}
