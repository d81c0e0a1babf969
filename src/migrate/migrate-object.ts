/**
 * Takes over one object: reads its chunks once, through the ordinary write path, and commits it only when its bytes are those that
 * its checksum was made of. Repeatable: what is here already is seen before anything is read, and again in the commit.
 */
import type { MemoryBudget } from '../data/budget.js';
import { ingest } from '../data/ingest.js';
import type { Ingested } from '../data/ingest.js';
import { createMd5 } from '../data/md5.js';
import { serialiseAcl } from '../iam/acl-model.js';
import { MAX_KEY_BYTES } from '../s3/bucket-name.js';
import { putChange } from '../s3/versioning.js';
import { commitIngested } from '../s3/write-object.js';
import type { BucketRecord, ObjectVersion, Owner, Region, VersionDraft } from '../store/types.js';
import type { Finding, FindingKind } from './journal.js';
import { oldContent } from './old-content.js';
import { translateAcl } from './old-documents.js';
import { translateHeaders } from './old-headers.js';
import { writtenAtMs } from './old-dates.js';
import type { OldBlobs } from './old-content.js';
import type { OldObject } from './old-store.js';

export interface ObjectTarget {
  readonly region: Region;
  /** null on a dry run, where it is not there yet */
  readonly bucket: BucketRecord | null;
}

export interface ObjectOptions {
  readonly source: OldBlobs;
  readonly target: ObjectTarget;
  readonly object: OldObject;
  readonly bucketName: string;
  readonly owner: Owner;
  readonly displayNameOf: (tenant: string) => string;
  readonly dryRun: boolean;
  readonly budget: MemoryBudget;
  readonly inlineThresholdBytes: number;
  readonly intentLeaseMs: number;
  readonly signal: AbortSignal;
}

export interface ObjectResult {
  readonly outcome: 'migrated' | 'already' | 'kept' | 'refused' | 'empty';
  /** copied, or read on a dry run */
  readonly bytes: number;
  readonly sizeOnly: boolean;
  readonly findings: readonly Finding[];
}

const MD5 = /^[0-9a-f]{32}$/;

/** @throws StoreError of either store; the signal's reason */
export async function migrateObject(options: ObjectOptions): Promise<ObjectResult> {
  const { object, bucketName } = options;
  const { key, inode, version, sizeBytes, checksum } = object;
  const findings: Finding[] = [];
  const find = (kind: FindingKind, what: string): void => {
    findings.push({ kind, bucket: bucketName, key, what });
  };
  const end = (outcome: ObjectResult['outcome'], bytes = 0, sizeOnly = false): ObjectResult => ({
    outcome,
    bytes,
    sizeOnly,
    findings,
  });
  if (version === null) {
    // An ACL that was set on a key that is not there leaves one.
    find('empty', 'a row without data, which the original does not serve: left out');
    return end('empty');
  }
  if (inode === null || sizeBytes === null || checksum === null || checksum === '') {
    find('row', 'the row lacks inode, size or checksum');
    return end('refused');
  }
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES) {
    find('key', `the key has ${Buffer.byteLength(key)} bytes; 1 to ${MAX_KEY_BYTES} can be`);
    return end('refused');
  }
  const lastModified = writtenAtMs(object.atime, version);
  const seen = await present(options, { checksum, lastModified });
  if (seen === 'kept') find('newer', 'what is here was written later: left as it is');
  if (seen !== null) return end(seen);

  const draft = draftOf(options, { checksum, lastModified }, find);
  const content = oldContent(options.source, { inode: { inode, version }, sizeBytes, signal: options.signal });
  const plainMd5 = MD5.test(checksum);
  // What the bytes prove: null when they are the object's.
  const fault = (md5Hex: string, bytes: number): string | null => {
    if (plainMd5 && md5Hex !== checksum) return `${bytes} bytes of ${sizeBytes}, MD5 ${md5Hex} in place of ${checksum}`;
    if (!plainMd5 && bytes !== sizeBytes) return `${bytes} bytes of ${sizeBytes}`;
    return null;
  };
  const done = (outcome: 'migrated' | 'already' | 'kept', bytes: number): ObjectResult => {
    if (bytes !== sizeBytes)
      find('size', `${sizeBytes} bytes were on record, but ${bytes} have its MD5: that is its size now`);
    if (!plainMd5) find('checksum', `'${checksum}' is no MD5: only the size was compared`);
    return outcome === 'migrated' ? end(outcome, bytes, !plainMd5) : end(outcome);
  };
  if (options.dryRun) {
    const { md5Hex, bytes } = await digestOf(content);
    const wrong = fault(md5Hex, bytes);
    if (wrong === null) return done('migrated', bytes);
    find('corrupt', wrong);
    return end('refused');
  }
  const { bucket, region } = options.target;
  const blobs = region.blobs.get(draft.storageClass);
  if (bucket === null || blobs === undefined) throw new TypeError('an object without a place to go to');
  const ingested = await ingest({
    source: content,
    target: { bucket, key, storageClass: draft.storageClass, metadata: region.metadata, blobs },
    inlineThresholdBytes: options.inlineThresholdBytes,
    cipher: null,
    checksums: [],
    budget: options.budget,
    maxSizeBytes: sizeBytes,
    sizeHintBytes: sizeBytes,
    allowInline: true,
    leaseMs: options.intentLeaseMs,
    signal: options.signal,
  });
  const wrong = fault(ingested.md5Hex, ingested.sizeBytes);
  if (wrong !== null) {
    await ingested.abandon();
    find('corrupt', wrong);
    return end('refused');
  }
  const outcome = await commit({ bucket, region, key, ingested, draft });
  if (outcome === 'kept') find('newer', 'what is here was written later: left as it is');
  return done(outcome, ingested.sizeBytes);
}

interface Commit {
  readonly bucket: BucketRecord;
  readonly region: Region;
  readonly key: string;
  readonly ingested: Ingested;
  readonly draft: Omit<VersionDraft, 'data' | 'sizeBytes'>;
}

/** No events: nothing happened that anybody would have been told of. */
async function commit({ bucket, region, key, ingested, draft }: Commit): Promise<'migrated' | 'already' | 'kept'> {
  const { sizeBytes, data, intent } = ingested;
  const { changed, before } = await commitIngested(ingested, () =>
    region.metadata.commit({
      bucket,
      key,
      select: 'latest',
      ...(intent === null ? {} : { intent }),
      decide: (state) =>
        judge(state.latest, { checksum: draft.etag, lastModified: draft.lastModified }) === null
          ? putChange(bucket.versioning, state, { ...draft, sizeBytes, data })
          : null,
    }),
  );
  if (changed) return 'migrated';
  await ingested.abandon();
  return judge(before.latest, { checksum: draft.etag, lastModified: draft.lastModified }) ?? 'kept';
}

interface Identity {
  readonly checksum: string;
  /** ms since the epoch */
  readonly lastModified: number;
}

async function present(
  { target: { bucket, region }, object: { key }, dryRun }: ObjectOptions,
  identity: Identity,
): Promise<'already' | 'kept' | null> {
  if (bucket === null) return null;
  const found = judge(await region.metadata.getVersion(bucket, key, 'latest', { withInline: false }), identity);
  // A run that was killed may have died between its commit and the listing.
  if (found === 'already' && !dryRun) await region.metadata.repairIndex(bucket, key);
  return found;
}

/** What is here already: the object itself, something later (also a deletion), or nothing that matters (null). */
function judge(latest: ObjectVersion | null, { checksum, lastModified }: Identity): 'already' | 'kept' | null {
  if (latest === null) return null;
  if (!latest.deleteMarker && latest.etag === checksum && latest.lastModified === lastModified) return 'already';
  return latest.lastModified > lastModified ? 'kept' : null;
}

function draftOf(
  { object, owner, displayNameOf, target }: ObjectOptions,
  { checksum, lastModified }: Identity,
  find: (kind: FindingKind, what: string) => void,
): Commit['draft'] {
  const acl = translateAcl(object.acl, { owner, displayNameOf });
  const headers = translateHeaders(object.metadata);
  for (const note of acl.notes) find('acl', note);
  for (const note of headers.notes) find('metadata', note);
  const asked = (object.storageClass ?? 'STANDARD').toUpperCase();
  const storageClass = target.region.blobs.has(asked) ? asked : 'STANDARD';
  if (storageClass !== asked) find('storage-class', `there is no storage class '${asked}' here: STANDARD`);
  return {
    deleteMarker: false,
    etag: checksum,
    lastModified,
    storageClass,
    owner,
    headers: headers.value,
    acl: acl.value === null ? null : serialiseAcl(acl.value),
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
  };
}

async function digestOf(content: AsyncIterable<Buffer>): Promise<{ readonly md5Hex: string; readonly bytes: number }> {
  const md5 = createMd5();
  let bytes = 0;
  for await (const piece of content) {
    md5.update(piece);
    bytes += piece.length;
  }
  return { md5Hex: md5.digest().toString('hex'), bytes };
}
