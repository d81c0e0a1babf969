/** The metadata store of one region on Cassandra: puts its parts together behind the interface. */
import { randomUUID } from 'node:crypto';
import { consistencyOf } from '../consistency.js';
import { StoreError } from '../errors.js';
import type { BlobName } from '../shared/key-change.js';
import type {
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
  PartRecord,
  RenameRequest,
  UploadRecord,
  UploadRef,
  UploadScan,
  VersionEntry,
  VersionScan,
  VersionSelector,
} from '../types.js';
import type { BucketGuard } from './bucket-guard.js';
import type { Session } from './cluster.js';
import { Committer } from './committer.js';
import { Completions } from './completions.js';
import { parseEntryId } from './garbage-rows.js';
import { GarbageTable } from './garbage-table.js';
import { HeadTable } from './head-table.js';
import { HolderTable } from './holders.js';
import { IndexRanges } from './index-ranges.js';
import { IndexScanner } from './index-scan.js';
import { IndexWriter } from './index-writer.js';
import { IntentLog } from './intents.js';
import { withoutMark } from './move-mark.js';
import { Moves } from './moves.js';
import type { CassandraOptions } from './options.js';
import { CassandraOutbox } from './outbox.js';
import { OutboxLeases } from './outbox-leases.js';
import { OutboxSettler } from './outbox-settle.js';
import { OutboxTable } from './outbox-table.js';
import { PlainCommitter } from './plain-committer.js';
import { PlainHeads } from './plain-heads.js';
import { PlainSweep } from './plain-sweep.js';
import type { QuotaHolds } from './quota-holds.js';
import { QuotaRegion } from './quota-region.js';
import { Renamer } from './rename.js';
import { Sweep } from './sweep.js';
import { UploadTable } from './upload-table.js';
import { Uploads } from './uploads.js';
import { VersionLimit } from './version-limit.js';

export interface MetadataStoreParts {
  readonly region: string;
  readonly session: Session;
  readonly guard: BucketGuard;
  readonly quotas: Pick<QuotaHolds, 'take'>;
  readonly options: CassandraOptions;
}

export class CassandraMetadataStore implements MetadataStore {
  readonly #heads: HeadTable;
  readonly #index: IndexWriter;
  readonly #scanner: IndexScanner;
  readonly #garbage: GarbageTable;
  readonly #intents: IntentLog;
  readonly #uploads: Uploads;
  readonly #completions: Completions;
  readonly #committer: Committer;
  readonly #plain: PlainCommitter;
  readonly #renamer: Renamer;
  readonly #sweep: Sweep;
  readonly outbox: CassandraOutbox;
  readonly indexRanges: IndexRanges;
  readonly quotaRegion: QuotaRegion;

  constructor({ region, session, guard, quotas, options }: MetadataStoreParts) {
    const indexRanges = new IndexRanges({ session, region, guard, options });
    const { ranges } = indexRanges;
    const heads = new HeadTable(session);
    const index = new IndexWriter({ session, ranges, heads, now: options.now });
    const garbage = new GarbageTable({ session, region, now: options.now });
    const intents = new IntentLog(garbage, options);
    const uploads = new Uploads({ table: new UploadTable(session), ranges, intents, guard, options });
    this.indexRanges = indexRanges;
    this.#heads = heads;
    this.#index = index;
    this.#scanner = new IndexScanner(session, ranges);
    this.#garbage = garbage;
    this.#intents = intents;
    this.#uploads = uploads;
    this.outbox = new CassandraOutbox({
      table: new OutboxTable({ session, region }),
      leases: new OutboxLeases(session, randomUUID()),
      settler: new OutboxSettler(heads, options.now),
      options,
    });
    const completions = new Completions({ session, uploads });
    this.#completions = completions;
    const moves = new Moves({ heads, index, intents, outbox: this.outbox, completions, guard, quotas, options });
    const holders = new HolderTable(session);
    const plain = new PlainHeads(session);
    this.#plain = new PlainCommitter({ heads, plain, index, intents, guard, completions, options });
    const plainSweep = new PlainSweep({ heads, plain, index, uploads, intents, options });
    this.#committer = new Committer({
      heads,
      index,
      intents,
      guard,
      outbox: this.outbox,
      moves,
      completions,
      quotas,
      limit: new VersionLimit({ heads, maxVersions: options.maxVersionsPerKey }),
      options,
    });
    this.#renamer = new Renamer({ committer: this.#committer, heads, moves, holders, intents, options });
    this.#sweep = new Sweep({ heads, index, uploads, intents, guard, moves, holders, options, plain: plainSweep });
    this.quotaRegion = new QuotaRegion({
      region,
      session,
      heads,
      index,
      sweep: this.#sweep,
      scanVersions: (bucket, scan) => this.#scanner.versions(bucket, scan),
      now: options.now,
    });
  }

  async getVersion(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    { withInline }: { readonly withInline: boolean },
  ): Promise<ObjectVersion | null> {
    const version = await this.#heads.version(bucket, key, select, withInline);
    // Whoever copies what it reads must not copy what is known of a rename of this key.
    return version === null ? null : withoutMark(version);
  }

  commit(request: CommitRequest): Promise<KeyCommit> {
    return (consistencyOf(request.bucket) === 'quorum' ? this.#plain : this.#committer).commit(request);
  }

  async rename(request: RenameRequest): Promise<KeyRename> {
    if (consistencyOf(request.bucket) === 'quorum')
      throw new StoreError('internal', 'notApplied', 'a rename in a quorum bucket');
    return this.#renamer.rename(request);
  }

  openIntent(bucket: BucketRef, key: string, blobs: readonly BlobName[]): Promise<Intent> {
    return this.#intents.openIntent(bucket, key, blobs);
  }

  renewIntent(intent: Intent): Promise<void> {
    return this.#intents.renew(intent);
  }

  abandonIntent(intent: Intent): Promise<void> {
    return this.#intents.abandon(intent);
  }

  scanObjects(bucket: BucketRef, scan: KeyScan): Promise<readonly ObjectEntry[]> {
    return this.#scanner.objects(bucket, scan);
  }

  scanVersions(bucket: BucketRef, scan: VersionScan): Promise<readonly VersionEntry[]> {
    return this.#scanner.versions(bucket, scan);
  }

  createUpload(bucket: BucketRef, upload: UploadRecord): Promise<void> {
    return this.#uploads.create(bucket, upload);
  }

  getUpload(ref: UploadRef): Promise<UploadRecord | null> {
    return this.#uploads.get(ref);
  }

  putPart(ref: UploadRef, part: PartRecord, intent: Intent): Promise<void> {
    return this.#uploads.putPart(ref, part, intent);
  }

  listParts(
    ref: UploadRef,
    { afterPart, limit }: { readonly afterPart: number; readonly limit: number },
  ): Promise<readonly PartRecord[]> {
    return this.#uploads.listParts(ref, afterPart, limit);
  }

  scanUploads(bucket: BucketRef, scan: UploadScan): Promise<readonly UploadRecord[]> {
    return this.#uploads.scan(bucket, scan);
  }

  closeUpload(ref: UploadRef, to: 'completing' | 'aborting'): Promise<UploadRecord['state'] | null> {
    return this.#uploads.close(ref, to);
  }

  reopenUpload(ref: UploadRef): Promise<void> {
    return this.#uploads.reopen(ref);
  }

  removeUpload(ref: UploadRef): Promise<void> {
    return this.#uploads.remove(ref, new Set());
  }

  finishUpload(ref: UploadRef, version: ObjectVersion): Promise<void> {
    return this.#completions.finish(ref, version);
  }

  finishedUpload(ref: UploadRef): Promise<ObjectVersion | null> {
    return this.#completions.finished(ref);
  }

  /** By the indexes, at the store's read consistency. */
  isEmpty(bucket: BucketRef): Promise<boolean> {
    return this.#scanner.isEmpty(bucket);
  }

  async dueGarbage({ nowMs, limit }: { readonly nowMs: number; readonly limit: number }): Promise<GarbageEntry[]> {
    // What this gateway has finished is nothing to look at.
    await this.#intents.drain();
    const due = await this.#garbage.due(nowMs, limit);
    this.#intents.lapse(due.map(({ id }) => parseEntryId(id)?.row ?? ''));
    return due;
  }

  unreferenced(entry: GarbageEntry): Promise<readonly BlobName[]> {
    return this.#sweep.unreferenced(entry);
  }

  async repairIndex(bucket: BucketRef, key: string): Promise<void> {
    await Promise.all([this.#index.repair(bucket, key), this.#uploads.repair(bucket, key)]);
  }

  removeGarbage(entry: GarbageEntry): Promise<void> {
    return this.#garbage.removeEntry(entry);
  }

  /** For a bucket that is about to go: its uploads and their parts. */
  async removeUploads(bucket: BucketRef): Promise<void> {
    await this.#uploads.removeAll(bucket);
    await this.indexRanges.removing(bucket);
  }

  /** Before the store closes. */
  async drain(): Promise<void> {
    await this.#plain.drain();
    await Promise.all([this.#intents.drain(), this.outbox.drain(), this.indexRanges.close()]);
  }
}
