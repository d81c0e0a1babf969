/**
 * The stores' interfaces: what a bucket, an object version, an upload and a blob are, and what any implementation
 * (src/store/embedded, src/store/cassandra) promises. test/contract runs one suite against all of them.
 *
 * Ordering promise of every write path: intent -> data durable -> one atomic commit of the key -> index -> acknowledge ->
 * garbage of what the commit superseded. A crash between two steps leaves garbage, never a reference without its data.
 */
import type { StoreAudit } from './audit.js';
import type { QuotaStore } from './quota-types.js';

/** One life of a bucket. A bucket that is deleted and created again has another instance and never sees old rows. */
export interface BucketRef {
  readonly name: string;
  /** uuid */
  readonly instance: string;
  readonly region: string;
}

export interface Owner {
  /** the tenant */
  readonly id: string;
  readonly displayName: string;
}

/**
 * linearizable: everything that happens to a key happens at one moment, and may depend on what the key was. quorum: of writes at the same
 * time the one with the greatest clock stays, and nothing may depend on what the key was.
 */
export type BucketConsistency = 'linearizable' | 'quorum';

export type VersioningState = 'unversioned' | 'enabled' | 'suspended';

export interface BucketRecord extends BucketRef {
  readonly owner: Owner;
  /** ms since the epoch */
  readonly createdAt: number;
  /** Grows by one with each update. */
  readonly revision: number;
  readonly state: 'active' | 'deleting';
  readonly versioning: VersioningState;
  /** Created with Object Lock enabled. */
  readonly objectLock: boolean;
  /** Sub-resource documents by name ('acl', 'cors', 'policy', ...): JSON or XML text, owned by the module of that name. */
  readonly documents: Readonly<Record<string, string>>;
}

export type NewBucket = Omit<BucketRecord, 'instance' | 'revision' | 'state' | 'createdAt'> & {
  /** ms since the epoch; default now. For buckets that are taken over from elsewhere. */
  readonly createdAt?: number;
  /** Of its keys, for its whole life; default linearizable. consistencyOf tells. */
  readonly consistency?: BucketConsistency;
};

export interface BucketPatch {
  readonly versioning?: VersioningState;
  readonly objectLock?: boolean;
  /** A string sets the document, null removes it; documents not named stay. */
  readonly documents?: Readonly<Record<string, string | null>>;
}

export interface BucketListQuery {
  readonly prefix: string;
  /** exclusive; '' starts at the beginning */
  readonly after: string;
  readonly limit: number;
  readonly region?: string;
}

export interface BucketPage {
  readonly buckets: readonly BucketRecord[];
  readonly truncated: boolean;
}

/** Global: who owns which bucket name, where it lives and its sub-resource documents. */
export interface BucketStore {
  /** Linearizable: exactly one of any number of concurrent creators of a name gets created=true. */
  create(bucket: NewBucket): Promise<{ readonly created: boolean; readonly bucket: BucketRecord }>;
  /** May be as old as the configured bucket cache time unless fresh. A bucket being deleted is still returned (state). */
  get(name: string, options?: { readonly fresh?: boolean }): Promise<BucketRecord | null>;
  /**
   * Read-modify-write, linearizable; change may run several times and may throw.
   * @throws StoreError bucketGone when that instance no longer exists or is being deleted
   */
  update(ref: BucketRef, change: (current: BucketRecord) => BucketPatch): Promise<BucketRecord>;
  /**
   * Deletes the bucket if isEmpty says so after new writes to it have been fenced off; otherwise it becomes active again.
   * No write that was acknowledged is lost: a write racing with the deletion either fails or makes it 'notEmpty'.
   */
  delete(ref: BucketRef, isEmpty: () => Promise<boolean>): Promise<'deleted' | 'notEmpty' | 'gone'>;
  /** In UTF-8 order of names, buckets owned by the tenant. */
  list(tenant: string, query: BucketListQuery): Promise<BucketPage>;
  /**
   * Everybody's buckets, in an order of the store's own that stays the same; after: the name of the last one seen, '' from
   * the start. A bucket that is there during the whole scan is seen once.
   */
  scanAll(query: { readonly after: string; readonly limit: number }): Promise<BucketPage>;
}

/** One run of stored bytes: chunks of chunkSizeBytes plaintext each (the last may be shorter) under one inode. */
export interface BlobRef {
  /** uuid */
  readonly inode: string;
  /** S3 storage class, upper case; names the BlobStore in the region */
  readonly storageClass: string;
  /** plaintext bytes */
  readonly sizeBytes: number;
  /** plaintext bytes of a chunk */
  readonly chunkSizeBytes: number;
  /** Inode that its chunks were sealed under, where it is another one: they were moved as they are, without their key. */
  readonly sealedAs?: string;
}

export type ObjectData =
  /** delete marker */
  | { readonly kind: 'none' }
  /** The bytes as stored (sealed when encrypted); null where the reader did not ask for them. */
  | { readonly kind: 'inline'; readonly bytes: Buffer | null }
  /** In order; one per part of a multipart object. */
  | { readonly kind: 'blobs'; readonly blobs: readonly BlobRef[] };

export interface PartInfo {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** checksum algorithm (e.g. 'CRC32') -> base64 */
  readonly checksums: Readonly<Record<string, string>>;
}

export interface ObjectChecksum {
  /** 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'MD5' | 'SHA1' | 'SHA256' | 'SHA512' */
  readonly algorithm: string;
  readonly type: 'COMPOSITE' | 'FULL_OBJECT';
  /** base64, with '-N' appended when composite */
  readonly value: string;
}

export interface EncryptionInfo {
  readonly kind: 'SSE-S3' | 'SSE-KMS' | 'SSE-C';
  /** id of the key that wraps the data key: master key id, KMS key id; for SSE-C the MD5 (base64) of the customer's key */
  readonly keyId: string;
  /** wrapped data key, base64; for SSE-C the salt that the data key is derived with */
  readonly wrappedKey: string;
  /** KMS encryption context: what the data key is bound to besides the key */
  readonly context?: Readonly<Record<string, string>>;
  /** written with an S3 Bucket Key (SSE-KMS) */
  readonly bucketKey?: boolean;
}

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
  /** ms since the epoch */
  readonly untilMs: number;
}

/** Everything about a version that its creator decides. */
export interface VersionDraft {
  readonly deleteMarker: boolean;
  readonly sizeBytes: number;
  /** without quotes; '' for a delete marker */
  readonly etag: string;
  /** ms since the epoch */
  readonly lastModified: number;
  readonly storageClass: string;
  readonly owner: Owner;
  /** content-type, cache-control, x-amz-meta-*, ...: lower-case name -> value, as answered to clients */
  readonly headers: Readonly<Record<string, string>>;
  readonly data: ObjectData;
  /** serialised ACL; null means private to the owner */
  readonly acl: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly parts: readonly PartInfo[] | null;
  readonly checksum: ObjectChecksum | null;
  readonly encryption: EncryptionInfo | null;
  readonly retention: Retention | null;
  readonly legalHold: boolean;
  /** the multipart upload it came from: makes a repeated completion recognisable */
  readonly uploadId: string | null;
  /** room for what later features record per version; JSON values only */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface ObjectVersion extends VersionDraft {
  /** 'null' or an opaque string */
  readonly versionId: string;
  /**
   * The key's clock when the version was committed: microseconds since the epoch, raised to stay above the key's earlier
   * changes. Orders versions (newest = greatest) and names the row. Of a version that was placed: where it was first committed.
   */
  readonly seq: number;
}

/** 'latest', or a version id ('null' names the null version). */
export type VersionSelector = 'latest' | { readonly versionId: string };

/** What a change of a key is decided on; read linearizably. */
export interface KeyState {
  /** 0 when the key has never been written */
  readonly seq: number;
  /** newest version, delete markers included */
  readonly latest: ObjectVersion | null;
  /** newest below latest */
  readonly previous: ObjectVersion | null;
  readonly nullVersion: ObjectVersion | null;
  /** the one the caller's selector names */
  readonly selected: ObjectVersion | null;
  /** The selector names a version whose seq another version of the key has: it cannot be placed. */
  readonly taken?: boolean;
}

/** What becomes of a key, all of it in one atomic commit. Versions are named by their seq. */
export interface KeyChange {
  /**
   * Becomes the newest version. isNull gives it version id 'null' and makes the null version before it go, named in remove
   * or not; else a new id is made.
   */
  readonly put?: { readonly draft: VersionDraft; readonly isNull: boolean };
  /**
   * A version that was made elsewhere takes its place among the key's: its id tells which (seqOfVersionId), newest only if none is
   * newer. The selector must name it, and find nothing. Not together with put, replace or remove.
   */
  readonly place?: { readonly draft: VersionDraft; readonly versionId: string };
  /**
   * One of the state's versions with other attributes (ACL, tags, retention, re-wrapped keys). Its data must stay the same
   * blobs; inline bytes null: those that are stored stay.
   */
  readonly replace?: ObjectVersion;
  /**
   * The version in replace has the same bytes in other blobs, written under the commit's intent (a change of storage class).
   * Those it had before become garbage.
   */
  readonly moved?: boolean;
  /** Versions of the state that go. Not both latest and previous without a put: what is below them is not known. */
  readonly remove?: readonly ObjectVersion[];
}

export interface KeyCommit {
  readonly before: KeyState;
  /** the version that was put, placed or replaced */
  readonly version: ObjectVersion | null;
  /** false when decide returned null: nothing was written */
  readonly changed: boolean;
}

export interface CommitRequest {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly select: VersionSelector;
  /** Inline bytes of the selected version are needed by decide (default: not loaded). */
  readonly withInline?: boolean;
  /**
   * From openIntent, when data was written for this commit; closed by a successful put that references its blobs (any that
   * it does not reference become garbage). One that lapsed and was claimed makes the commit fail: StoreError closed.
   */
  readonly intent?: Intent;
  /**
   * Id of the key's upload that the put completes: made only while the upload is 'completing', and never a second time, whatever became
   * of the version meanwhile. (A change that takes the place of such a version, or removes it, finishes the upload first.)
   * @throws StoreError uploadGone
   */
  readonly completes?: string;
  /**
   * Pure; runs once per attempt on fresh state; null changes nothing; may throw (the throw reaches the caller and
   * nothing is written).
   */
  readonly decide: (state: KeyState) => KeyChange | null;
  /**
   * Pure; what the change wants delivered elsewhere. Durable with the change: delivered at least once if the change was made,
   * whatever dies when. Costs nothing where it is absent or answers nothing.
   */
  readonly events?: (made: MadeChange) => readonly OutboxDraft[];
}

/** The newest version of one key becomes that of another key of the bucket, without its data being read or written. */
export interface RenameRequest {
  readonly bucket: BucketRef;
  readonly from: string;
  /** another key than from */
  readonly to: string;
  /**
   * Pure, on the states of both keys at one moment, the source's newest version selected with its inline bytes; runs once per
   * attempt; null changes nothing; may throw.
   */
  readonly decide: (source: KeyState, target: KeyState) => RenameChange | null;
  /** What is to be delivered of the change of each key, as in CommitRequest. */
  readonly sourceEvents?: CommitRequest['events'];
  readonly targetEvents?: CommitRequest['events'];
}

export interface RenameChange {
  /** Becomes the newest version of the target. Its data is that of the source's newest version. */
  readonly draft: VersionDraft;
  /** as in KeyChange.put; for the delete marker too */
  readonly isNull: boolean;
  /** Becomes the newest version of the source; null: the source's newest version goes instead. */
  readonly marker: VersionDraft | null;
}

export interface KeyRename {
  /** false when decide returned null */
  readonly changed: boolean;
  /** the target's new version */
  readonly version: ObjectVersion | null;
}

/** A change as it is about to be made, for what is told of it. */
export interface MadeChange {
  readonly before: KeyState;
  /** the version that is put, placed or replaced */
  readonly version: ObjectVersion | null;
  /** The key's clock after the change: orders what is told of the key. */
  readonly seq: number;
}

/** Something to be delivered elsewhere. */
export interface OutboxDraft {
  /** Kind of destination and its name: 'notification/audit'. 1 to 200 bytes of ASCII without white space. */
  readonly queue: string;
  /** JSON, for whoever delivers that kind */
  readonly body: string;
}

export interface OutboxEntry extends OutboxDraft {
  /** Where it lies: another one once it was postponed. */
  readonly id: string;
  readonly bucket: BucketRef;
  readonly key: string;
  /** of the change: orders the entries of a key */
  readonly seq: number;
  /** ms since the epoch */
  readonly createdMs: number;
  /** failed attempts to deliver it */
  readonly attempts: number;
}

/**
 * What changes of a region's keys want delivered, queue by queue. At least once: an entry that was taken and not removed is handed
 * out again, to this process or to another one when this one has died.
 */
export interface Outbox {
  /**
   * The oldest entries of the queue that are due and not in this process's hands yet, for this process alone as long as it goes
   * on calling take (limit 0 will do) at least every OUTBOX_TAKE_MS. Empty also when another process has them. Entries of a key
   * come in the order of their changes, unless one was postponed.
   */
  take(queue: string, options: { readonly limit: number }): Promise<readonly OutboxEntry[]>;
  /** They are delivered, or given up. Idempotent. */
  remove(entries: readonly OutboxEntry[]): Promise<void>;
  /** Puts entries that were taken back, with one more attempt, due at that time: ms since the epoch. */
  postpone(entries: readonly OutboxEntry[], dueMs: number): Promise<void>;
  /** Forgets that they were taken. */
  giveBack(entries: readonly OutboxEntry[]): void;
  /** Queues that have, or had, entries, in no order. */
  queues(): Promise<readonly string[]>;
  /** Calls back when a change made in this process has left entries. @returns stops it */
  watch(listener: (queue: string) => void): () => void;
  /** Leaves to other processes what this one has not removed. */
  release(): Promise<void>;
}

/** How often whoever takes from an outbox must come back at the latest. */
export const OUTBOX_TAKE_MS = 5_000;

/** Announces blobs before they are written, so that a crash leaves them findable. */
export interface Intent {
  readonly id: string;
  readonly bucket: BucketRef;
  readonly key: string;
}

/** A blob to be written under an intent that names it alone. */
export interface AnnouncedBlob {
  readonly inode: string;
  readonly intent: Intent;
}

/** Row of ListObjects: the newest version of a key that is not a delete marker. */
export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModified: number;
  readonly storageClass: string;
  readonly owner: Owner;
  readonly checksumAlgorithm: string | null;
  readonly checksumType: ObjectChecksum['type'] | null;
}

/** Row of ListObjectVersions. */
export interface VersionEntry extends ObjectEntry {
  readonly versionId: string;
  readonly seq: number;
  readonly deleteMarker: boolean;
  readonly latest: boolean;
}

/** A stretch of keys in UTF-8 order (= code point order). */
export interface KeyScan {
  /** first key wanted ('' = from the start) */
  readonly from: string;
  /** false: strictly after from */
  readonly inclusive: boolean;
  /** keys >= end are not wanted; null = to the end of the bucket */
  readonly end: string | null;
  /** at most this many entries are answered; fewer only when the stretch is exhausted */
  readonly limit: number;
}

/** Where a version listing goes on: after the version with this seq of key `from`. */
export interface VersionScan extends KeyScan {
  /** versions of `from` with a seq below this one are wanted first; null: KeyScan's rule alone */
  readonly fromSeqBelow: number | null;
}

/** Where an upload listing goes on: after this upload of key `from`. */
export interface UploadScan extends KeyScan {
  readonly fromUploadIdAfter: string | null;
}

export interface UploadRecord {
  readonly uploadId: string;
  readonly key: string;
  /** ms since the epoch */
  readonly createdAt: number;
  readonly initiator: Owner;
  readonly owner: Owner;
  readonly state: 'open' | 'completing' | 'aborting';
  readonly storageClass: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly acl: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly checksum: { readonly algorithm: string; readonly type: ObjectChecksum['type'] } | null;
  readonly encryption: EncryptionInfo | null;
  readonly retention: Retention | null;
  readonly legalHold: boolean;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface PartRecord {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModified: number;
  readonly checksums: Readonly<Record<string, string>>;
  readonly blob: BlobRef;
}

export interface UploadRef {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly uploadId: string;
}

/** Blobs that may be garbage: the sweeper asks the key's versions (and open uploads) whether they are still referenced. */
export interface GarbageEntry {
  readonly id: string;
  readonly bucket: BucketRef;
  readonly key: string;
  readonly blobs: readonly Pick<BlobRef, 'inode' | 'storageClass'>[];
  /** ms since the epoch: not before this */
  readonly notBeforeMs: number;
}

/**
 * Per region: keys with their versions, the listing index, multipart uploads, and the garbage that commits leave.
 * All reads are linearizable per key unless a method says otherwise; a read that cannot be answered throws StoreError.
 */
export interface MetadataStore {
  /** withInline: load inline bytes. The parts list and blobs are always there. */
  getVersion(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    options: { readonly withInline: boolean },
  ): Promise<ObjectVersion | null>;

  /**
   * The one way a key changes. Reads the state, asks decide, commits only if the key has not changed meanwhile, else starts
   * again. After it returns, listings show the change. Blobs that the change no longer references become garbage.
   * A failed commit with outcome 'unknown' is thrown as such and never repeated blindly.
   * @throws StoreError bucketGone, contention, timeout, ...; whatever decide throws
   */
  commit(request: CommitRequest): Promise<KeyCommit>;

  /**
   * Renames as one change for those who write either key: none of them comes between its two halves. Readers see the target
   * before the source goes, or both at once. After a crash it is either done or not, at the latest when the sweeper has passed.
   * @throws StoreError as commit; whatever decide throws
   */
  rename(request: RenameRequest): Promise<KeyRename>;

  /** Durable before it returns: blobs written under it are garbage unless a commit references them. */
  openIntent(
    bucket: BucketRef,
    key: string,
    blobs: readonly Pick<BlobRef, 'inode' | 'storageClass'>[],
  ): Promise<Intent>;
  /**
   * As openIntent, for one new blob whose inode the store chooses, because it has announced it and made its place ahead of time. The
   * intent has its whole lease before it. Absent: the store does nothing ahead of time, openIntent is what there is.
   */
  announceBlob?(bucket: BucketRef, key: string, storageClass: string): Promise<AnnouncedBlob>;
  /** Keeps a long upload's intent from being swept; call at least once per intent lease. @throws StoreError closed when it lapsed */
  renewIntent(intent: Intent): Promise<void>;
  /** The write did not happen: its blobs may be swept at once. Never throws for an intent that is gone. */
  abandonIntent(intent: Intent): Promise<void>;

  scanObjects(bucket: BucketRef, scan: KeyScan): Promise<readonly ObjectEntry[]>;
  /** Keys ascending, versions of a key newest first; objects of a never-versioned bucket appear with version id 'null'. */
  scanVersions(bucket: BucketRef, scan: VersionScan): Promise<readonly VersionEntry[]>;

  createUpload(bucket: BucketRef, upload: UploadRecord): Promise<void>;
  getUpload(ref: UploadRef): Promise<UploadRecord | null>;
  /**
   * Records a part while the upload is open; a part of that number that was there before becomes garbage.
   * @throws StoreError uploadGone; closed when the intent lapsed and was claimed
   */
  putPart(ref: UploadRef, part: PartRecord, intent: Intent): Promise<void>;
  /** In order of part number, after (exclusive) afterPart. */
  listParts(
    ref: UploadRef,
    query: { readonly afterPart: number; readonly limit: number },
  ): Promise<readonly PartRecord[]>;
  /** Keys ascending; uploads of one key by uploadId ascending (ids sort by creation time). Open uploads only. */
  scanUploads(bucket: BucketRef, scan: UploadScan): Promise<readonly UploadRecord[]>;
  /**
   * Moves the upload from open to completing (or aborting) so that no part can be added any more; answers the state it
   * had before, null when there is no such upload. completing -> completing is allowed (a retry).
   */
  closeUpload(ref: UploadRef, to: 'completing' | 'aborting'): Promise<UploadRecord['state'] | null>;
  /** A completion that was refused (wrong part list, failed precondition) opens it again: completing -> open. */
  reopenUpload(ref: UploadRef): Promise<void>;
  /** Removes the upload and its parts, whose blobs become garbage. */
  removeUpload(ref: UploadRef): Promise<void>;
  /**
   * The upload has become that version of its key, which is committed: it is removed like by removeUpload, but for the parts that the
   * version refers to, and remembered for a day. Does nothing for an upload that is gone.
   */
  finishUpload(ref: UploadRef, version: ObjectVersion): Promise<void>;
  /** The version, without its data and parts, that a finished upload became, whatever became of it; null: none is remembered. */
  finishedUpload(ref: UploadRef): Promise<ObjectVersion | null>;

  /** True when the bucket has no versions, delete markers included. Open uploads do not count (as on AWS). */
  isEmpty(bucket: BucketRef): Promise<boolean>;

  /**
   * Garbage and lapsed intents that are due, oldest first. A lapsed intent is claimed before it is answered: from then on
   * renewIntent, commit and putPart with it throw StoreError closed, so nothing can refer to its blobs any more.
   */
  dueGarbage(options: { readonly nowMs: number; readonly limit: number }): Promise<readonly GarbageEntry[]>;
  /** Which of the entry's blobs no version and no upload of its key references. */
  unreferenced(entry: GarbageEntry): Promise<readonly Pick<BlobRef, 'inode' | 'storageClass'>[]>;
  /** Makes the listing of one key agree with its versions (after a crash between commit and index). */
  repairIndex(bucket: BucketRef, key: string): Promise<void>;
  removeGarbage(entry: GarbageEntry): Promise<void>;

  /** What commits left to be delivered. */
  readonly outbox: Outbox;
}

/** Writes one blob: chunks in any order, each once, then finish. */
export interface BlobWriter {
  /** payload: one stored chunk (a chunk of plaintext, or its sealed form). Resolves when the buffers may be reused. */
  write(index: number, payload: readonly Buffer[]): Promise<void>;
  /** Resolves when all chunks are durable. */
  finish(): Promise<void>;
  /** Ends the writer after a failure and drops what was written as well as it can. Never throws. */
  abort(): Promise<void>;
}

/** Memory that is lent to reads, so that it can be used again. */
export interface ReadMemory {
  /** So many bytes, whatever is in them. */
  take(sizeBytes: number): Buffer;
  /** Nobody looks any more at what take gave; piece: any part of it. What is never given back is only not used again. */
  give(piece: Buffer): void;
  /** Room for what nobody waits for yet, to be called when it is waited for; null: there is none. */
  tryAhead(sizeBytes: number): (() => void) | null;
}

export interface ChunkRange {
  readonly first: number;
  /** inclusive */
  readonly last: number;
  readonly storedChunkSizeBytes: number;
  /** stored size of chunk `last`, of those who know it: the store need not find out */
  readonly lastSizeBytes?: number;
  /** A chunk may be in its memory, which the consumer gives back. Absent: chunks are the consumer's. */
  readonly memory?: ReadMemory;
  readonly signal?: AbortSignal;
}

/** Per storage class: chunked bytes by inode. Knows nothing of names, encryption or checksums other than its own CRC32C per chunk. */
export interface BlobStore {
  /** Plaintext bytes of a chunk for new blobs. */
  readonly chunkSizeBytes: number;
  /** How many chunk writes or reads of one blob are worth having in flight. */
  readonly window: number;
  /** storedChunkSizeBytes: size of every stored chunk but the last (plaintext chunk + sealing overhead). */
  openWriter(
    inode: string,
    options: { readonly storedChunkSizeBytes: number; readonly signal?: AbortSignal },
  ): Promise<BlobWriter>;
  /**
   * Stored chunks first..last (inclusive) in order, CRC checked, at most window ahead of the consumer.
   * @throws StoreError corrupt when one is missing or fails its CRC; unavailable/timeout when it cannot be read
   */
  readChunks(inode: string, range: ChunkRange): AsyncIterable<Buffer>;
  /** Removes everything under the inode; idempotent. */
  delete(inode: string): Promise<void>;
}

export interface Region {
  readonly name: string;
  /** Of new buckets that ask for none; default linearizable. */
  readonly consistency?: BucketConsistency;
  readonly metadata: MetadataStore;
  /** by S3 storage class, upper case; always has STANDARD */
  readonly blobs: ReadonlyMap<string, BlobStore>;
}

/** A document of the identity service: a user, a role, a policy, ... Its content belongs to src/iam. */
export interface IamDocument {
  readonly name: string;
  readonly json: string;
}

export interface IamListQuery {
  /** '' for all */
  readonly prefix: string;
  /** exclusive; '' starts at the beginning */
  readonly after: string;
  readonly limit: number;
}

export interface IamChange {
  readonly kind: string;
  readonly name: string;
  /** null removes the document */
  readonly json: string | null;
}

/** When and for what an access key was used last. */
export interface IamKeyUse {
  /** ms since the epoch */
  readonly atMs: number;
  readonly region: string;
  readonly service: string;
}

export interface IamKeyRow {
  readonly account: string;
  readonly lastUse: IamKeyUse | null;
}

/**
 * Global: documents of the identity service, by account (= tenant), kind and name. All changes of an account are ordered by its
 * revision: whoever read the revision first and everything else after it commits only if nothing changed in between.
 */
export interface IamStore {
  /** Of the account's last change, 0 before the first; linearizable. */
  revision(account: string): Promise<number>;
  /** Not older than the last revision() that the caller awaited. */
  get(account: string, kind: string, name: string): Promise<string | null>;
  /** In UTF-8 order of names; not older than the last revision() that the caller awaited. */
  list(account: string, kind: string, query: IamListQuery): Promise<readonly IamDocument[]>;
  /**
   * Makes all the changes, atomically, if the account is still at that revision; then it is at the next one.
   * @returns false: it is not, nothing was written
   * @throws StoreError with outcome unknown when it may have been made
   */
  commit(
    account: string,
    commit: { readonly revision: number; readonly changes: readonly IamChange[] },
  ): Promise<boolean>;
  /**
   * Which account an access key is of. An index only: the account's documents say whether the key is valid. Rows are written
   * before the key is and removed after it; ids of keys are never used twice.
   */
  findKey(accessKey: string): Promise<IamKeyRow | null>;
  addKey(accessKey: string, account: string): Promise<void>;
  removeKey(accessKey: string): Promise<void>;
  /** Keeps the use; may be lost, and one that is older may win. */
  useKey(accessKey: string, use: IamKeyUse): Promise<void>;
}

/** A node of Cassandra as this process sees it. */
export interface StoreNode {
  /** host:port */
  readonly address: string;
  readonly datacenter: string;
  readonly rack: string;
  readonly up: boolean;
  /** of Cassandra */
  readonly release: string;
  /** uuid of the ring's schema that the node has; null: not known, as of nodes that are down */
  readonly schemaVersion: string | null;
}

export interface StoreVolume {
  readonly path: string;
  /** 'metadata', or region and storage class that it keeps */
  readonly holds: string;
  readonly totalBytes: number;
  /** for this process */
  readonly freeBytes: number;
}

export interface ClockOffset {
  /** host:port */
  readonly address: string;
  /** Positive: that clock is ahead of this machine's. */
  readonly offsetMs: number;
}

/** Where the data lies. */
export type StoreTopology =
  | {
      readonly kind: 'cassandra';
      /** one for each cluster that the configuration names */
      readonly clusters: readonly {
        readonly contactPoints: readonly string[];
        readonly localDatacenter: string | null;
        readonly keyspaces: readonly string[];
        /** null: the cluster cannot be reached, and nodes are empty */
        readonly schemaAgreement: boolean | null;
        readonly nodes: readonly StoreNode[];
      }[];
    }
  | { readonly kind: 'embedded'; readonly volumes: readonly StoreVolume[]; readonly metadataBytes: number };

/** All stores of one deployment. */
export interface Stores {
  readonly kind: 'embedded' | 'cassandra';
  readonly buckets: BucketStore;
  readonly iam: IamStore;
  readonly quotas: QuotaStore;
  readonly regions: ReadonlyMap<string, Region>;
  /** Resolves when the store can serve; @throws StoreError */
  ready(): Promise<void>;
  /** Where the data lies; what cannot be reached is told, not thrown. */
  topology(): Promise<StoreTopology>;
  /** How far the clocks of other machines that keep the data are off; of those that answer. */
  clocks(): Promise<readonly ClockOffset[]>;
  /** For maintenance: everything that is in the stores. Works until they are closed. */
  audit(): Promise<StoreAudit>;
  close(): Promise<void>;
}
