/** The audit of Cassandra stores: puts its parts together behind the interface. */
import type { BlobName } from '../shared/key-change.js';
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
import type { BucketRecord, BucketRef } from '../types.js';
import { BucketRows } from './bucket-rows.js';
import type { Session } from './cluster.js';
import { endpointKey } from './connect.js';
import { auditBacklog } from './fsck-backlog.js';
import { auditHeads } from './fsck-heads.js';
import { checkKey } from './fsck-key.js';
import { auditListings } from './fsck-listings.js';
import { CassandraPlace } from './fsck-place.js';
import { tokenScan } from './fsck-token-scan.js';
import { auditUploads } from './fsck-uploads.js';
import { GarbageTable } from './garbage-table.js';
import { HeadTable } from './head-table.js';
import { HolderTable } from './holders.js';
import type { CassandraOptions } from './options.js';
import type { Ranges } from './ranges.js';
import { required, textOf, uuidOf } from './rows.js';
import { UploadTable } from './upload-table.js';

export interface AuditedRegion {
  readonly name: string;
  readonly session: Session;
  readonly ranges: Ranges;
  /** by storage class */
  readonly blobs: ReadonlyMap<string, Session>;
}

export interface CassandraAuditParts {
  readonly bucketSession: Session;
  readonly regions: readonly AuditedRegion[];
  readonly options: CassandraOptions;
}

const PAGE_ROWS = 1_000;
/** Blobs of one entry of garbage. */
const ENTRY_BLOBS = 500;

export class CassandraAudit implements StoreAudit {
  readonly regions: ReadonlyMap<string, RegionAudit>;
  readonly places: readonly PlaceAudit[];
  readonly #session: Session;
  readonly #rows: BucketRows;

  constructor({ bucketSession, regions, options }: CassandraAuditParts) {
    this.#session = bucketSession;
    this.#rows = new BucketRows(bucketSession);
    this.regions = new Map(regions.map((region) => [region.name, new CassandraRegionAudit(region, options)]));
    this.places = placesOf(regions, options);
  }

  async *tenantBuckets({ cursor, signal }: AuditScan): AsyncGenerator<AuditPage<TenantBucket>> {
    const columns = ['name', 'instance'];
    const table = { table: 'tenant_bucket', partitionKey: ['tenant'], columns, pageRows: PAGE_ROWS };
    for await (const page of tokenScan({ ...table, session: this.#session, cursor, signal })) {
      const items = page.rows.map((row) => ({
        name: required(textOf(row, 'name'), 'name'),
        instance: required(uuidOf(row, 'instance'), 'instance'),
      }));
      yield { items, faults: [], cursor: page.cursor, fraction: page.fraction };
    }
  }

  async isListedByTenant({ owner, name, instance }: BucketRecord): Promise<boolean> {
    const range = { from: name, end: `${name}\u0000`, limit: 1_000 };
    return (await this.#rows.tenantNames(owner.id, range)).some((row) => row.instance === instance);
  }

  listByTenant({ owner, name, instance }: BucketRecord): Promise<void> {
    return this.#rows.addToTenant(owner.id, name, instance);
  }
}

class CassandraRegionAudit implements RegionAudit {
  readonly region: string;
  readonly tables: string;
  readonly #session: Session;
  readonly #ranges: Ranges;
  readonly #heads: HeadTable;
  readonly #uploads: UploadTable;
  readonly #holders: HolderTable;
  readonly #garbage: GarbageTable;
  readonly #options: CassandraOptions;

  constructor({ name, session, ranges }: AuditedRegion, options: CassandraOptions) {
    this.region = name;
    this.tables = keyspaceId(session);
    this.#session = session;
    this.#ranges = ranges;
    this.#heads = new HeadTable(session);
    this.#uploads = new UploadTable(session);
    this.#holders = new HolderTable(session);
    this.#garbage = new GarbageTable({ session, region: name, now: options.now });
    this.#options = options;
  }

  versions(scan: AuditScan & { readonly withInline: boolean }): AsyncIterable<AuditPage<AuditedVersion>> {
    return auditHeads(this.#session, scan);
  }

  uploads(scan: AuditScan): AsyncIterable<AuditPage<AuditedUpload>> {
    return auditUploads(this.#session, scan);
  }

  listings(bucket: BucketRef, scan: AuditScan): AsyncIterable<AuditPage<ListingRow>> {
    return auditListings({ session: this.#session, ranges: this.#ranges }, bucket, scan);
  }

  backlog(options: { readonly signal: AbortSignal }): AsyncIterable<readonly BacklogEntry[]> {
    return auditBacklog({ session: this.#session, region: this.region }, options);
  }

  checkKey(bucket: BucketRef, key: string, uploadIds: readonly string[]): Promise<readonly string[]> {
    const parts = { session: this.#session, ranges: this.#ranges, heads: this.#heads, uploads: this.#uploads };
    return checkKey(parts, bucket, key, uploadIds);
  }

  async refersTo(bucket: BucketRef, key: string, inode: string): Promise<boolean> {
    const { versions } = await this.#heads.all(bucket, key);
    return versions.some(({ data }) => data.kind === 'blobs' && data.blobs.some((blob) => blob.inode === inode));
  }

  async holdersOf(inode: string): Promise<readonly string[]> {
    return (await this.#holders.of([{ inode, storageClass: 'STANDARD' }])).get(inode) ?? [];
  }

  async queueOrphans(blobs: readonly BlobName[]): Promise<void> {
    const { now, gcGraceMs } = this.#options;
    for (let i = 0; i < blobs.length; i += ENTRY_BLOBS) {
      const item = { ...orphanage(this.region), blobs: blobs.slice(i, i + ENTRY_BLOBS) };
      await this.#garbage.write(this.#garbage.newRow('garbage', [item], now() + gcGraceMs));
    }
  }
}

function keyspaceId({ target }: Session): string {
  return JSON.stringify([endpointKey(target), target.keyspace]);
}

function placesOf(regions: readonly AuditedRegion[], { logger }: CassandraOptions): PlaceAudit[] {
  const places = new Map<string, { readonly session: Session; readonly serves: [string, string][] }>();
  for (const { name, blobs } of regions) {
    for (const [storageClass, session] of blobs) {
      const id = keyspaceId(session);
      const place = places.get(id) ?? { session, serves: [] };
      place.serves.push([name, storageClass]);
      places.set(id, place);
    }
  }
  return [...places.values()].map(({ session, serves }) => new CassandraPlace({ session, serves, logger }));
}
