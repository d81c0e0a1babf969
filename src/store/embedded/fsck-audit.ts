/** The audit of embedded stores: puts its parts together behind the interface. */
import type {
  AuditedUpload,
  AuditedVersion,
  AuditPage,
  AuditScan,
  BacklogEntry,
  ListingRow,
  PlaceAudit,
  RegionAudit,
  StoreAudit,
  TenantBucket,
} from '../audit.js';
import { orphanage } from '../audit.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRecord, BucketRef } from '../types.js';
import { readBucket } from './bucket-rows.js';
import type { RegionContext } from './context.js';
import type { MetaDatabase } from './database.js';
import { auditUploads, auditVersions, keyFaults } from './fsck-keys.js';
import { addGarbage, backlogPage } from './garbage.js';
import { holdersOf } from './holders.js';
import { KeyRows } from './key-state.js';
import { after, tenantKey } from './keys.js';

const PAGE = 500;
const TENANT_BYTES = 32;

export class EmbeddedAudit implements StoreAudit {
  readonly regions: ReadonlyMap<string, RegionAudit>;
  readonly places: readonly PlaceAudit[];
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase, contexts: Iterable<RegionContext>, places: readonly PlaceAudit[]) {
    this.#db = db;
    this.places = places;
    this.regions = new Map(Array.from(contexts, (context) => [context.region, new EmbeddedRegionAudit(context)]));
  }

  async *tenantBuckets({ cursor, signal }: AuditScan): AsyncGenerator<AuditPage<TenantBucket>> {
    let at: Buffer = Buffer.from(cursor ?? '', 'hex');
    for (let more = true; more;) {
      signal.throwIfAborted();
      this.#db.fresh();
      const keys = Array.from(this.#db.tenants.getKeys({ start: after(at), limit: PAGE }), (key) => Buffer.from(key));
      at = keys.at(-1) ?? at;
      more = keys.length === PAGE;
      const items = keys.map((key) => ({ name: key.toString('utf8', TENANT_BYTES), instance: null }));
      yield { items, faults: [], cursor: at.toString('hex'), fraction: null };
    }
  }

  async isListedByTenant({ owner, name }: BucketRecord): Promise<boolean> {
    this.#db.fresh();
    return this.#db.tenants.getBinaryFast(tenantKey(owner.id, name)) !== undefined;
  }

  listByTenant({ owner, name, instance }: BucketRecord): Promise<void> {
    return this.#db.transact((writes) => {
      const bucket = readBucket(this.#db, name);
      if (bucket?.instance !== instance) return;
      writes.put(this.#db.tenants, tenantKey(owner.id, name), Buffer.from(bucket.region, 'utf8'));
    });
  }
}

class EmbeddedRegionAudit implements RegionAudit {
  readonly region: string;
  readonly tables: string;
  readonly #context: RegionContext;

  constructor(context: RegionContext) {
    this.region = context.region;
    this.tables = context.region;
    this.#context = context;
  }

  versions(scan: AuditScan & { readonly withInline: boolean }): AsyncIterable<AuditPage<AuditedVersion>> {
    return auditVersions(this.#context, scan);
  }

  uploads(scan: AuditScan): AsyncIterable<AuditPage<AuditedUpload>> {
    return auditUploads(this.#context, scan);
  }

  /** They are the rows of the versions. */
  async *listings(): AsyncGenerator<AuditPage<ListingRow>> {
    yield* await Promise.resolve([]);
  }

  async *backlog({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<readonly BacklogEntry[]> {
    for (const kind of ['intent', 'garbage'] as const) {
      for (let at: Buffer | null = Buffer.alloc(0); at !== null;) {
        signal.throwIfAborted();
        const page: { readonly entries: readonly BacklogEntry[]; readonly next: Buffer | null } = backlogPage(
          this.#context,
          kind,
          at,
        );
        if (page.entries.length > 0) yield page.entries;
        at = page.next;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  async checkKey(bucket: BucketRef, key: string): Promise<readonly string[]> {
    this.#context.db.fresh();
    return keyFaults(this.#context.tables, bucket, key);
  }

  async refersTo(bucket: BucketRef, key: string, inode: string): Promise<boolean> {
    this.#context.db.fresh();
    for (const { data } of new KeyRows(this.#context.tables, bucket, key).versions())
      if (data.kind === 'blobs' && data.blobs.some((blob) => blob.inode === inode)) return true;
    return false;
  }

  async holdersOf(inode: string): Promise<readonly string[]> {
    this.#context.db.fresh();
    return holdersOf(this.#context.tables, inode);
  }

  queueOrphans(blobs: readonly BlobName[]): Promise<void> {
    const { db, now, gcGraceMs } = this.#context;
    return db.transact((writes) => {
      addGarbage(this.#context, writes, { ...orphanage(this.region), blobs, notBeforeMs: now() + gcGraceMs });
    });
  }
}
