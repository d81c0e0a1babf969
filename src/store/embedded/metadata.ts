/** The metadata store of one region on LMDB: a commit is one transaction over the key, its listing and its garbage. */
import { StoreError } from '../errors.js';
import { applyChange, blobsOf } from '../shared/key-change.js';
import type { BlobName } from '../shared/key-change.js';
import type {
  AnnouncedBlob,
  BucketRef,
  CommitRequest,
  GarbageEntry,
  Intent,
  KeyCommit,
  KeyRename,
  KeyScan,
  MetadataStore,
  ObjectEntry,
  ObjectVersion,
  OutboxDraft,
  PartRecord,
  RenameRequest,
  UploadRecord,
  UploadRef,
  UploadScan,
  VersionEntry,
  VersionScan,
  VersionSelector,
} from '../types.js';
import type { BlobReserve } from './blob-reserve.js';
import { checkBucketActive } from './bucket-rows.js';
import type { RegionContext } from './context.js';
import type { Writes } from './database.js';
import { readFinished } from './finished-uploads.js';
import * as garbage from './garbage.js';
import { forgetHolders, unheld } from './holders.js';
import { checkVersions, KeyRows } from './key-state.js';
import { EmbeddedOutbox } from './outbox.js';
import { rename } from './rename.js';
import { isConsistent, repairKey } from './repair.js';
import { chargeQuota } from './quota-rows.js';
import * as scans from './scans.js';
import * as uploads from './uploads.js';

const SEQ_KEY = Buffer.from('seq');

/**
 * All reads are of the latest commit. Seqs grow over the whole environment, not only per key: nothing has to remember the
 * clocks of keys that are gone, and the payload table is written in order.
 */
export class EmbeddedMetadata implements MetadataStore {
  readonly #context: RegionContext;
  readonly outbox: EmbeddedOutbox;

  readonly #reserves: ReadonlyMap<string, BlobReserve>;

  /** @param reserves by storage class */
  constructor(context: RegionContext, reserves: ReadonlyMap<string, BlobReserve>) {
    this.#context = context;
    this.#reserves = reserves;
    this.outbox = new EmbeddedOutbox(context);
  }

  async getVersion(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    { withInline }: { readonly withInline: boolean },
  ): Promise<ObjectVersion | null> {
    const { db, tables } = this.#context;
    db.fresh();
    return new KeyRows(tables, bucket, key).select(select, withInline);
  }

  async commit(request: CommitRequest): Promise<KeyCommit> {
    const { db, tables, now, gcGraceMs, maxVersionsPerKey } = this.#context;
    const { bucket, key, select, intent, events, completes } = request;
    let drafts: readonly OutboxDraft[] = [];
    const commit = await db.transact((writes): KeyCommit => {
      checkBucketActive(db, bucket);
      const rows = new KeyRows(tables, bucket, key);
      const before = rows.state(select, request.withInline ?? false);
      const change = request.decide(before);
      if (change === null) return { before, version: null, changed: false };
      const upload = completes === undefined ? null : { bucket, key, uploadId: completes };
      if (upload !== null) uploads.checkCompleting(tables, upload);

      const applied = applyChange(before, change, now(), this.#lastSeq());
      checkVersions(rows, applied, maxVersionsPerKey);
      chargeQuota(db, writes, bucket, [{ key, state: before, applied }]);
      this.#setLastSeq(writes, applied.seq);

      const version = applied.put ?? applied.below ?? applied.replace;
      if (intent !== undefined && applied.placed !== null)
        garbage.useIntent(this.#context, writes, intent, blobsOf(applied.placed.data));
      rows.write(writes, applied);
      if (upload !== null && version !== null) uploads.endUpload(this.#context, writes, upload, version);
      const superseded = { bucket, key, blobs: applied.garbageBlobs, notBeforeMs: now() + gcGraceMs };
      garbage.addGarbage(this.#context, writes, superseded);
      drafts = events?.({ before, version, seq: applied.seq }) ?? [];
      this.outbox.write(writes, { bucket, key, seq: applied.seq }, drafts);
      return { before, version, changed: true };
    });
    this.outbox.announce(drafts);
    return commit;
  }

  async rename(request: RenameRequest): Promise<KeyRename> {
    const context = this.#context;
    const announced: OutboxDraft[] = [];
    const renamed = await context.db.transact((writes): KeyRename => {
      const deliver = (key: string, seq: number, drafts: readonly OutboxDraft[]): void => {
        this.outbox.write(writes, { bucket: request.bucket, key, seq }, drafts);
        announced.push(...drafts);
      };
      const { result, lastSeq } = rename({ context, writes, lastSeq: this.#lastSeq(), deliver }, request);
      if (result.changed) this.#setLastSeq(writes, lastSeq);
      return result;
    });
    this.outbox.announce(announced);
    return renamed;
  }

  #lastSeq(): number {
    return this.#context.db.global.getBinary(SEQ_KEY)?.readDoubleLE(0) ?? 0;
  }

  #setLastSeq(writes: Writes, seq: number): void {
    const clock = Buffer.allocUnsafe(8);
    clock.writeDoubleLE(seq, 0);
    writes.put(this.#context.db.global, SEQ_KEY, clock);
  }

  openIntent(bucket: BucketRef, key: string, blobs: readonly BlobName[]): Promise<Intent> {
    return garbage.openIntent(this.#context, bucket, key, blobs);
  }

  async announceBlob(bucket: BucketRef, key: string, storageClass: string): Promise<AnnouncedBlob> {
    const reserve = this.#reserves.get(storageClass);
    if (reserve === undefined)
      throw new StoreError('internal', 'notApplied', `no storage class ${storageClass} in ${this.#context.region}`);
    return reserve.take(bucket, key);
  }

  renewIntent(intent: Intent): Promise<void> {
    return garbage.renewIntent(this.#context, intent);
  }

  abandonIntent(intent: Intent): Promise<void> {
    return garbage.abandonIntent(this.#context, intent);
  }

  async scanObjects(bucket: BucketRef, scan: KeyScan): Promise<readonly ObjectEntry[]> {
    return scans.scanObjects(this.#context, bucket, scan);
  }

  async scanVersions(bucket: BucketRef, scan: VersionScan): Promise<readonly VersionEntry[]> {
    return scans.scanVersions(this.#context, bucket, scan);
  }

  createUpload(bucket: BucketRef, upload: UploadRecord): Promise<void> {
    return uploads.createUpload(this.#context, bucket, upload);
  }

  async getUpload(ref: UploadRef): Promise<UploadRecord | null> {
    this.#context.db.fresh();
    return uploads.readUpload(this.#context.tables, ref);
  }

  putPart(ref: UploadRef, part: PartRecord, intent: Intent): Promise<void> {
    return uploads.putPart(this.#context, ref, part, intent);
  }

  async listParts(
    ref: UploadRef,
    query: { readonly afterPart: number; readonly limit: number },
  ): Promise<readonly PartRecord[]> {
    return uploads.listParts(this.#context, ref, query);
  }

  async scanUploads(bucket: BucketRef, scan: UploadScan): Promise<readonly UploadRecord[]> {
    return uploads.scanUploads(this.#context, bucket, scan);
  }

  closeUpload(ref: UploadRef, to: 'completing' | 'aborting'): Promise<UploadRecord['state'] | null> {
    return uploads.closeUpload(this.#context, ref, to);
  }

  reopenUpload(ref: UploadRef): Promise<void> {
    return uploads.reopenUpload(this.#context, ref);
  }

  removeUpload(ref: UploadRef): Promise<void> {
    return uploads.removeUpload(this.#context, ref);
  }

  finishUpload(ref: UploadRef, version: ObjectVersion): Promise<void> {
    return uploads.finishUpload(this.#context, ref, version);
  }

  async finishedUpload(ref: UploadRef): Promise<ObjectVersion | null> {
    this.#context.db.fresh();
    return readFinished(this.#context.tables, ref);
  }

  async isEmpty(bucket: BucketRef): Promise<boolean> {
    return scans.isEmpty(this.#context, bucket);
  }

  dueGarbage(options: { readonly nowMs: number; readonly limit: number }): Promise<readonly GarbageEntry[]> {
    return garbage.dueGarbage(this.#context, options);
  }

  async unreferenced(entry: GarbageEntry): Promise<readonly BlobName[]> {
    const { db, tables } = this.#context;
    db.fresh();
    return unheld(tables, entry.bucket, entry.key, entry.blobs);
  }

  async repairIndex(bucket: BucketRef, key: string): Promise<void> {
    const { db, tables } = this.#context;
    db.fresh();
    if (isConsistent(tables, bucket, key)) return;
    await db.transact((writes) => repairKey(writes, tables, bucket, key));
  }

  removeGarbage(entry: GarbageEntry): Promise<void> {
    return this.#context.db.transact((writes) => {
      garbage.removeGarbage(this.#context, writes, entry);
      forgetHolders(this.#context, writes, entry);
    });
  }
}
