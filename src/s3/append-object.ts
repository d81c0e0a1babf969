/**
 * Appends the body of a request to an object: intent -> data durable -> commit, as every write. The data that is there stays where
 * it is; an inline object becomes a blob when it outgrows its row, or when it is encrypted (its data key seals inline bytes once).
 * That the data goes exactly to the end of the object is decided in the commit: of any number of concurrent appends at one offset
 * one is made.
 */
import type { ChecksumAlgorithm } from '../data/checksums.js';
import { createChecksum } from '../data/checksums.js';
import type { Ingested } from '../data/ingest.js';
import { ingest } from '../data/ingest.js';
import { createMd5 } from '../data/md5.js';
import { readObject } from '../data/read.js';
import type { DataCipher } from '../data/sse.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { BlobStore, KeyState, ObjectData, ObjectVersion, Region, VersionDraft } from '../store/types.js';
import {
  OBJECT_SIZE,
  appendable,
  appendedDraft,
  checkAlgorithm,
  checkEncryption,
  checkOffset,
  checkRoom,
  refuseAttributes,
  refuseCustomerKey,
  refuseEmpty,
} from './append.js';
import type { Addition } from './append.js';
import { checksumHeaders, expectedDigests, verifyDigests } from './checksum-headers.js';
import { checkWrite } from './conditions.js';
import type { OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import { entityTag, readCipher } from './encryption.js';
import { requestedEncryption } from './encryption-request.js';
import { S3Error } from './errors.js';
import { eventsOf } from './events.js';
import { expirationHeader } from './lifecycle.js';
import { encryptionHeaders } from './object-headers.js';
import { checkDigestUnderLock, requestedLock, retentionOfNew } from './object-lock.js';
import type { S3Response } from './operation.js';
import { emptyResponse } from './operation.js';
import { replicating } from './replicating.js';
import { newVersionIdHeader, putChange } from './versioning.js';
import { MAX_PUT_BYTES, commitIngested } from './write-object.js';

/**
 * The object to append to; null: there is none, and the offset 0 creates it.
 * @throws S3Error InvalidWriteOffset, InvalidRequest (no data, or SSE-C)
 */
export async function appendTarget(context: OperationContext, offset: number): Promise<ObjectVersion | null> {
  const { bucket, body, request } = context;
  refuseEmpty(body.lengthBytes);
  const { metadata } = regionOf(context, bucket);
  const latest = await metadata.getVersion(bucket, keyOf(context), 'latest', { withInline: true });
  const object = appendable(latest);
  checkOffset(object, offset);
  const asked = requestedEncryption(request.headers);
  if (object === null) refuseCustomerKey(asked);
  else checkEncryption(asked, object);
  return object;
}

/** For the commit that creates: somebody else may have done so meanwhile. @throws S3Error InvalidWriteOffset, ConditionalRequestConflict */
export function checkStillAbsent({ latest }: KeyState): void {
  const object = appendable(latest);
  checkOffset(object, 0);
  if (object !== null) throw new S3Error('ConditionalRequestConflict');
}

/** @param object from appendTarget */
export async function appendObject(context: OperationContext, object: ObjectVersion): Promise<S3Response> {
  const { request, bucket, services, body } = context;
  const { headers } = request;
  const key = keyOf(context);
  const region = regionOf(context, bucket);
  refuseAttributes(headers, object);
  checkRoom(object, body.lengthBytes ?? 0);
  const expected = expectedDigests(headers);
  const algorithm = checkAlgorithm(object, expected.algorithm);
  const lock = requestedLock(headers, bucket, services.now());
  checkDigestUnderLock(bucket, lock, expected);
  const cipher = await readCipher(context, object.encryption, null);
  const written = await write(context, region, { object, cipher, algorithms: algorithm === null ? [] : [algorithm] });
  const { ingested, added } = written;
  const commit = await commitIngested(ingested, async () => {
    refuseEmpty(added.sizeBytes);
    verifyDigests(expected, { md5Hex: added.md5Hex, digests: added.digests }, body);
    const nowMs = services.now();
    const fields = {
      lastModified: nowMs,
      retention: retentionOfNew(bucket, lock.retention, nowMs),
      legalHold: lock.legalHold,
    };
    return region.metadata.commit({
      bucket,
      key,
      select: 'latest',
      ...(ingested.intent === null ? {} : { intent: ingested.intent }),
      ...eventsOf(context, { bucket, key, cause: 'ObjectCreated:Put' }),
      decide: replicating({ bucket, key, nowMs }, (state) => {
        checkWrite(headers, state.latest);
        const current = sameObject(state, object);
        const draft: VersionDraft = appendedDraft(current, added, {
          ...fields,
          data: joined(current.data, ingested.data),
        });
        return putChange(bucket.versioning, state, draft);
      }),
    });
  });
  const { version } = commit;
  if (version === null) throw new Error('an append committed no version');
  return emptyResponse(200, {
    etag: `"${version.etag}"`,
    [OBJECT_SIZE]: String(version.sizeBytes),
    ...newVersionIdHeader(bucket.versioning, version.versionId),
    ...encryptionHeaders(version),
    ...checksumHeaders(version.checksum),
    ...expirationHeader(bucket, { key, version, dayMs: services.settings.lifecycleDayMs }),
  });
}

/** The object as the commit finds it: its attributes may have changed, its bytes may not. */
function sameObject({ latest }: KeyState, object: ObjectVersion): ObjectVersion {
  const current = appendable(latest);
  if (current === null || current.seq !== object.seq) {
    checkOffset(current, object.sizeBytes);
    throw new S3Error('ConditionalRequestConflict');
  }
  return current;
}

/** Inline bytes are in what was written; blobs stand before it. */
function joined(before: ObjectData, written: Ingested['data']): ObjectData {
  if (before.kind !== 'blobs') return written;
  if (written.kind !== 'blobs') throw new Error('data was appended inline to blobs');
  return { kind: 'blobs', blobs: [...before.blobs, ...written.blobs] };
}

interface Write {
  readonly object: ObjectVersion;
  readonly cipher: DataCipher | null;
  readonly algorithms: readonly ChecksumAlgorithm[];
}

interface Written {
  readonly ingested: Ingested;
  readonly added: Addition & { readonly md5Hex: string };
}

/** Makes the data durable: that of the request, behind the object's own where that is inline. */
async function write(context: OperationContext, region: Region, what: Write): Promise<Written> {
  const { services, body, bucket, signal } = context;
  const { object, cipher, algorithms } = what;
  const inline = object.data.kind === 'inline';
  const before = inline ? await plaintext(context, region, what) : null;
  const beforeBytes = before?.length ?? 0;
  const meter = before === null ? null : new Meter(algorithms);
  const stream = body.stream();
  const ingested = await ingest({
    source: before === null || meter === null ? stream : behind(before, stream, meter),
    target: {
      bucket,
      key: keyOf(context),
      storageClass: object.storageClass,
      metadata: region.metadata,
      blobs: blobStoreOf(region, object.storageClass),
    },
    inlineThresholdBytes: services.settings.inlineThresholdBytes,
    cipher,
    checksums: meter === null ? algorithms : [],
    budget: services.budget,
    maxSizeBytes: beforeBytes + MAX_PUT_BYTES,
    sizeHintBytes: body.lengthBytes === null ? null : beforeBytes + body.lengthBytes,
    // Inline bytes are sealed once under a data key; to a blob's another scope belongs.
    allowInline: inline && cipher === null,
    leaseMs: services.settings.intentLeaseMs,
    signal,
  });
  const { md5Hex, digests } = meter?.result() ?? ingested;
  const etag = entityTag(object.encryption, cipher, md5Hex);
  return { ingested, added: { sizeBytes: ingested.sizeBytes - beforeBytes, etag, md5Hex, digests } };
}

async function plaintext(context: OperationContext, region: Region, { object, cipher }: Write): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const blobStoreFor = (storageClass: string): BlobStore => blobStoreOf(region, storageClass);
  for await (const piece of readObject({ version: object, blobStoreFor, cipher, range: null, signal: context.signal }))
    pieces.push(piece);
  return Buffer.concat(pieces);
}

async function* behind(
  before: Buffer,
  stream: AsyncIterable<Buffer>,
  meter: Meter,
): AsyncGenerator<Buffer, void, void> {
  yield before;
  for await (const piece of stream) {
    meter.update(piece);
    yield piece;
  }
}

/** Digests of what passes: those of the request's data alone. */
class Meter {
  readonly #md5 = createMd5();
  readonly #checksums: ReadonlyMap<ChecksumAlgorithm, ReturnType<typeof createChecksum>>;

  constructor(algorithms: readonly ChecksumAlgorithm[]) {
    this.#checksums = new Map(algorithms.map((algorithm) => [algorithm, createChecksum(algorithm)]));
  }

  update(piece: Buffer): void {
    this.#md5.update(piece);
    for (const checksum of this.#checksums.values()) checksum.update(piece);
  }

  result(): Pick<Ingested, 'md5Hex' | 'digests'> {
    return {
      md5Hex: this.#md5.digest().toString('hex'),
      digests: new Map([...this.#checksums].map(([algorithm, checksum]) => [algorithm, checksum.digest()])),
    };
  }
}
