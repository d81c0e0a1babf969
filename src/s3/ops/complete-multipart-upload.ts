/**
 * CompleteMultipartUpload: a metadata commit, whatever the size.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 *
 * Deviations: checksums of parts need not be repeated in the list (they were verified when the parts came), and Last-Modified
 * is the time of completion, so that it never lies before that of the object it replaced.
 *
 * It is committed once: the store does not make it again for an upload that has become a version, whatever others made of that since,
 * and a repetition is answered like the first for a day. Later it is answered only as long as that version is there.
 *
 * The upload is closed before its parts are read, so that the list that is judged is the list that is committed. A refusal opens
 * it again. When it is unknown whether the commit took effect the upload stays closed, and the next attempt finds out.
 */
import { createMd5, multipartEtag } from '../../data/md5.js';
import { StoreError } from '../../store/errors.js';
import type {
  BucketRecord,
  KeyState,
  MetadataStore,
  ObjectVersion,
  PartRecord,
  UploadRecord,
  UploadRef,
  VersionDraft,
} from '../../store/types.js';
import { contentMd5 } from '../checksum-headers.js';
import { findCompleted } from '../completed-upload.js';
import { checkWrite } from '../conditions.js';
import type { OperationContext } from '../context.js';
import { regionOf } from '../context.js';
import { checkCompletionKey } from '../encryption.js';
import { S3Error } from '../errors.js';
import { eventsOf } from '../events.js';
import { expirationHeader } from '../lifecycle.js';
import {
  checkObjectSize,
  checkPartOrder,
  completedChecksum,
  noSuchUpload,
  objectLocation,
  selectParts,
} from '../multipart.js';
import { encryptionHeaders } from '../object-headers.js';
import type { Handler, S3Response } from '../operation.js';
import { xmlResponse } from '../operation.js';
import type { ReplicaFacts } from '../replica-request.js';
import { placeReplica, replicaSelector } from '../replica-request.js';
import { replicating } from '../replicating.js';
import { newVersionIdHeader, putChange } from '../versioning.js';
import { draftOf } from '../write-object.js';
import { uploadRefOf } from '../write-part.js';
import type { CompletedPart } from '../xml/multipart.js';
import { completeMultipartUploadResult, parseCompleteMultipartUpload } from '../xml/multipart.js';

/** 10,000 parts with the longest checksums take about 2 MiB, written with indentation some more. */
const MAX_LIST_BYTES = 8 * 1024 ** 2;

const PARTS_PAGE = 1000;

/** Versions that are looked through for an upload that is gone: a repeated completion mostly comes at once. */
const REPEAT_CANDIDATES = 10;

export const completeMultipartUpload: Handler = async (context) => {
  const ref = uploadRefOf(context);
  const requested = await requestedParts(context, ref.uploadId);
  const { metadata } = regionOf(context, ref.bucket);
  const upload = await metadata.getUpload(ref);
  if (upload !== null) checkCompletionKey(context, upload, upload.checksum !== null);
  const before = upload === null ? null : await metadata.closeUpload(ref, 'completing');
  if (upload === null || before === null || before === 'aborting') {
    const version = await findCompleted(metadata, ref, { maxCandidates: REPEAT_CANDIDATES });
    if (version === null) throw noSuchUpload(ref.uploadId);
    return answer(context, ref, version);
  }
  // Another attempt closed it: it may have committed without living to say so.
  const earlier = before === 'completing' ? await findCompleted(metadata, ref, { maxCandidates: Infinity }) : null;
  const version = earlier ?? (await complete(context, metadata, { ref, upload, requested }));
  await finish(context, metadata, ref, version);
  return answer(context, ref, version);
};

/** @throws S3Error MalformedXML, InvalidPartOrder, InvalidArgument, BadDigest, MaxMessageLengthExceeded */
async function requestedParts(context: OperationContext, uploadId: string): Promise<readonly CompletedPart[]> {
  // The x-amz-checksum-* headers are those of the object here, so that only Content-MD5 speaks of the body.
  const md5 = contentMd5(context.request.headers);
  const body = await context.body.buffer(MAX_LIST_BYTES);
  if (md5 !== null) {
    const actual = createMd5();
    actual.update(body);
    if (!actual.digest().equals(md5))
      throw new S3Error('BadDigest', { message: 'The Content-MD5 you specified did not match what we received.' });
  }
  const requested = parseCompleteMultipartUpload(body, { maxBytes: MAX_LIST_BYTES });
  checkPartOrder(requested, uploadId);
  return requested;
}

interface Completion {
  readonly ref: UploadRef;
  readonly upload: UploadRecord;
  readonly requested: readonly CompletedPart[];
}

/** Commits the closed upload; opens it again when it is certain that nothing was committed. */
async function complete(
  context: OperationContext,
  metadata: MetadataStore,
  completion: Completion,
): Promise<ObjectVersion> {
  const { ref } = completion;
  try {
    return await commitUpload(context, metadata, completion);
  } catch (error) {
    if (error instanceof StoreError && error.outcome === 'unknown') throw error;
    try {
      // A parallel attempt may have won: then there is nothing left to refuse.
      const version = await findCompleted(metadata, ref, { maxCandidates: REPEAT_CANDIDATES });
      if (version !== null) return version;
      await metadata.reopenUpload(ref);
    } catch (second) {
      context.log.warn(
        { err: second, uploadId: ref.uploadId },
        'a refused multipart upload stays closed until its completion is repeated',
      );
    }
    throw error;
  }
}

async function commitUpload(
  context: OperationContext,
  metadata: MetadataStore,
  { ref, upload, requested }: Completion,
): Promise<ObjectVersion> {
  const { services, request, bucket } = context;
  // Should this attempt stall and another one open the upload again, an abort could follow. Its garbage is swept after the grace
  // period, which is longer than a lease: past a lease nothing may be committed any more.
  const deadlineMs = services.now() + services.settings.intentLeaseMs;
  const { parts, sizeBytes } = selectParts(requested, await allParts(metadata, ref), upload);
  checkObjectSize(request.headers, sizeBytes);
  const checksummed = parts.some((part) => Object.keys(part.checksums).length > 0);
  checkCompletionKey(context, upload, checksummed);
  const draft = draftOfUpload(upload, {
    bucket,
    parts,
    sizeBytes,
    headers: request.headers,
    nowMs: services.now(),
  });
  const replica = replicaOf(upload);
  const commit = await metadata.commit({
    bucket: ref.bucket,
    key: ref.key,
    select: replica === null ? 'latest' : replicaSelector(replica),
    completes: ref.uploadId,
    ...eventsOf(context, { bucket, key: ref.key, cause: 'ObjectCreated:CompleteMultipartUpload' }),
    decide: replicating({ bucket, key: ref.key, nowMs: draft.lastModified }, (state) => {
      if (ownVersion(state, ref.uploadId) !== null) return null;
      if (services.now() > deadlineMs)
        throw new StoreError('timeout', 'notApplied', 'the completion of a multipart upload took too long to commit');
      if (replica !== null) return placeReplica(state, draft, replica);
      checkWrite(request.headers, state.latest);
      return putChange(bucket.versioning, state, draft);
    }),
  });
  const there = replica === null ? null : commit.before.selected;
  const version = commit.changed ? commit.version : (there ?? ownVersion(commit.before, ref.uploadId));
  if (version === null) throw new Error('a completion committed no version');
  return version;
}

/** The version that the upload is a replica of; null: it is none. */
function replicaOf({ extra }: UploadRecord): ReplicaFacts | null {
  return (extra['replica'] as ReplicaFacts | undefined) ?? null;
}

/** The version that another attempt at this completion committed. */
function ownVersion(state: KeyState, uploadId: string): ObjectVersion | null {
  return [state.latest, state.previous, state.nullVersion].find((version) => version?.uploadId === uploadId) ?? null;
}

async function allParts(metadata: MetadataStore, ref: UploadRef): Promise<readonly PartRecord[]> {
  const parts: PartRecord[] = [];
  for (;;) {
    const page = await metadata.listParts(ref, { afterPart: parts.at(-1)?.partNumber ?? 0, limit: PARTS_PAGE });
    parts.push(...page);
    if (page.length < PARTS_PAGE) return parts;
  }
}

interface CompletedObject {
  readonly bucket: BucketRecord;
  readonly parts: readonly PartRecord[];
  readonly sizeBytes: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly nowMs: number;
}

function draftOfUpload(
  upload: UploadRecord,
  { bucket, parts, sizeBytes, headers, nowMs }: CompletedObject,
): VersionDraft {
  const draft = draftOf(
    {
      bucket,
      attributes: { ...upload, headers: { ...upload.headers }, tags: { ...upload.tags } },
      owner: upload.owner,
      encryption: null,
    },
    {
      sizeBytes,
      etag: multipartEtag(parts.map((part) => part.etag)),
      data: { kind: 'blobs', blobs: parts.map((part) => part.blob) },
    },
    completedChecksum(headers, upload.checksum, parts),
    nowMs,
    {
      parts: parts.map(({ partNumber, sizeBytes: partBytes, checksums }) => ({
        partNumber,
        sizeBytes: partBytes,
        checksums,
      })),
      uploadId: upload.uploadId,
    },
  );
  // The data key is the upload's, not one made for this request.
  const { replica: _replica, ...extra } = upload.extra;
  return { ...draft, encryption: upload.encryption, extra };
}

/** Removes the completed upload and the parts it did not use. The object is there: a failure leaves work to whoever comes next. */
async function finish(
  context: OperationContext,
  metadata: MetadataStore,
  ref: UploadRef,
  version: ObjectVersion,
): Promise<void> {
  try {
    await metadata.finishUpload(ref, version);
  } catch (error) {
    context.log.warn({ err: error, uploadId: ref.uploadId }, 'a completed multipart upload could not be removed');
  }
}

function answer({ request, bucket, services }: OperationContext, ref: UploadRef, version: ObjectVersion): S3Response {
  return xmlResponse(
    completeMultipartUploadResult({
      location: objectLocation(request, bucket.name, ref.key),
      bucket: bucket.name,
      key: ref.key,
      etag: version.etag,
      checksum: version.checksum,
    }),
    {
      ...newVersionIdHeader(bucket.versioning, version.versionId),
      ...encryptionHeaders(version),
      ...expirationHeader(bucket, { key: ref.key, version, dayMs: services.settings.lifecycleDayMs }),
    },
  );
}
