/** The bucket store on LMDB: every change is one transaction, so all of it is linearizable, over processes too. */
import { StoreError } from '../errors.js';
import { newBucketRecord, patchBucket } from '../shared/buckets.js';
import { DEFAULT_MAX_BUCKETS_PER_TENANT, tooManyBuckets } from '../shared/version-limit.js';
import type {
  BucketListQuery,
  BucketPage,
  BucketPatch,
  BucketRecord,
  BucketRef,
  BucketStore,
  NewBucket,
} from '../types.js';
import { bucketGone, packBucket, readBucket, RememberedBuckets, unpackBucket } from './bucket-rows.js';
import type { MetaDatabase, Writes } from './database.js';
import { after, bucketKey, tenantEnd, tenantKey, tenantPrefix } from './keys.js';

/** Deletions of one bucket that keep undoing each other's fences. */
const MAX_DELETE_ATTEMPTS = 20;
/** Rows of buckets whose records are kept decoded: some hundred bytes each, a MiB where somebody means it. */
const REMEMBERED_BYTES = 8 * 1024 * 1024;

export interface EmbeddedBucketsOptions {
  readonly db: MetaDatabase;
  readonly now: () => number;
  /** Default 10,000. */
  readonly maxPerTenant?: number;
  /** Called in the transaction that creates a bucket. */
  readonly onCreated: (writes: Writes, bucket: BucketRecord) => void;
  /** Called in the transaction that removes a bucket. */
  readonly onRemoved: (writes: Writes, bucket: BucketRef) => void;
}

export class EmbeddedBuckets implements BucketStore {
  readonly #db: MetaDatabase;
  readonly #remembered = new RememberedBuckets(REMEMBERED_BYTES);
  readonly #now: () => number;
  readonly #maxPerTenant: number;
  readonly #onCreated: EmbeddedBucketsOptions['onCreated'];
  readonly #onRemoved: (writes: Writes, bucket: BucketRef) => void;

  constructor({
    db,
    now,
    maxPerTenant = DEFAULT_MAX_BUCKETS_PER_TENANT,
    onCreated,
    onRemoved,
  }: EmbeddedBucketsOptions) {
    this.#db = db;
    this.#now = now;
    this.#maxPerTenant = maxPerTenant;
    this.#onCreated = onCreated;
    this.#onRemoved = onRemoved;
  }

  create(bucket: NewBucket): Promise<{ readonly created: boolean; readonly bucket: BucketRecord }> {
    return this.#db.transact((writes) => {
      const present = readBucket(this.#db, bucket.name);
      if (present !== null) return { created: false, bucket: present };
      this.#checkRoom(bucket.owner.id);
      const record = newBucketRecord(bucket, this.#now());
      this.#write(writes, record);
      writes.put(this.#db.tenants, tenantKey(record.owner.id, record.name), Buffer.from(record.region, 'utf8'));
      this.#onCreated(writes, record);
      return { created: true, bucket: record };
    });
  }

  /** @throws StoreError tooManyBuckets */
  #checkRoom(tenant: string): void {
    const names = { start: tenantPrefix(tenant), end: tenantEnd(tenant), limit: this.#maxPerTenant };
    if (this.#db.tenants.getKeysCount(names) >= this.#maxPerTenant) throw tooManyBuckets(tenant, this.#maxPerTenant);
  }

  /** Always fresh: a read costs microseconds. */
  async get(name: string, _options?: { readonly fresh?: boolean }): Promise<BucketRecord | null> {
    this.#db.fresh();
    return this.#remembered.read(this.#db, name);
  }

  update(ref: BucketRef, change: (current: BucketRecord) => BucketPatch): Promise<BucketRecord> {
    return this.#db.transact((writes) => {
      const current = readBucket(this.#db, ref.name);
      if (current?.instance !== ref.instance || current.state !== 'active') throw bucketGone(ref);
      const changed = patchBucket(current, change(current));
      this.#write(writes, changed);
      return changed;
    });
  }

  async delete(ref: BucketRef, isEmpty: () => Promise<boolean>): Promise<'deleted' | 'notEmpty' | 'gone'> {
    for (let attempt = 0; attempt < MAX_DELETE_ATTEMPTS; attempt++) {
      const fence = await this.#fence(ref);
      if (fence === null) return 'gone';
      let empty: boolean;
      try {
        empty = await isEmpty();
      } catch (cause) {
        await this.#unfence(fence);
        throw cause;
      }
      if (empty ? await this.#remove(fence) : await this.#unfence(fence)) return empty ? 'deleted' : 'notEmpty';
      // another deletion put up its own fence, or took one down: what isEmpty said may be out of date
    }
    throw new StoreError('contention', 'notApplied', `the bucket ${ref.name} is being deleted by others`);
  }

  async list(tenant: string, query: BucketListQuery): Promise<BucketPage> {
    const { prefix, after: afterName, limit, region } = query;
    this.#db.fresh();
    const from = tenantPrefix(tenant);
    const start = afterName >= prefix ? after(tenantKey(tenant, afterName)) : tenantKey(tenant, prefix);
    const buckets: BucketRecord[] = [];
    for (const { key, value } of this.#db.tenants.getRange({ start })) {
      const name = key.toString('utf8', from.length);
      if (key.compare(from, 0, from.length, 0, from.length) !== 0 || !name.startsWith(prefix)) break;
      if (region !== undefined && value.toString('utf8') !== region) continue;
      if (buckets.length >= limit) return { buckets, truncated: true };
      const bucket = readBucket(this.#db, name);
      if (bucket !== null) buckets.push(bucket);
    }
    return { buckets, truncated: false };
  }

  /** In order of names. */
  async scanAll({ after: afterName, limit }: { readonly after: string; readonly limit: number }): Promise<BucketPage> {
    this.#db.fresh();
    const buckets: BucketRecord[] = [];
    const range = afterName === '' ? {} : { start: after(bucketKey(afterName)) };
    for (const { value } of this.#db.buckets.getRange(range)) {
      if (buckets.length >= limit) return { buckets, truncated: true };
      buckets.push(unpackBucket(value));
    }
    return { buckets, truncated: false };
  }

  /** State 'deleting' under a new revision, which names this fence; null when the instance is gone. */
  #fence(ref: BucketRef): Promise<BucketRecord | null> {
    return this.#db.transact((writes) => {
      const current = readBucket(this.#db, ref.name);
      if (current?.instance !== ref.instance) return null;
      const fenced: BucketRecord = { ...current, state: 'deleting', revision: current.revision + 1 };
      this.#write(writes, fenced);
      return fenced;
    });
  }

  /** False when the fence is not in place any more. */
  #unfence(fence: BucketRecord): Promise<boolean> {
    return this.#db.transact((writes) => {
      if (!this.#holds(fence)) return false;
      this.#write(writes, { ...fence, state: 'active', revision: fence.revision + 1 });
      return true;
    });
  }

  #remove(fence: BucketRecord): Promise<boolean> {
    return this.#db.transact((writes) => {
      if (!this.#holds(fence)) return false;
      writes.remove(this.#db.buckets, bucketKey(fence.name));
      writes.remove(this.#db.tenants, tenantKey(fence.owner.id, fence.name));
      this.#onRemoved(writes, fence);
      return true;
    });
  }

  #holds(fence: BucketRecord): boolean {
    const current = readBucket(this.#db, fence.name);
    return current?.instance === fence.instance && current.revision === fence.revision;
  }

  #write(writes: Writes, bucket: BucketRecord): void {
    writes.put(this.#db.buckets, bucketKey(bucket.name), packBucket(bucket));
  }
}
