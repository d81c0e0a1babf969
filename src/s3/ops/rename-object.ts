/**
 * RenameObject, for any bucket and storage class. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 *
 * Nothing of the object changes but its key, and its data is not touched. AWS has it in directory buckets, which have no versions.
 * In a bucket that has them the destination gets a new version, and the source a delete marker: what is locked there stays.
 * Keys may end with a slash, which AWS refuses. Permissions are those of what it does: s3:GetObject and s3:DeleteObject on the
 * source, s3:PutObject on the destination.
 */
import type { BucketRecord, KeyState, ObjectVersion, RenameChange } from '../../store/types.js';
import { loadVersion, missing, requireAccess } from '../access.js';
import { needs } from '../access-actions.js';
import { checkObjectKey } from '../bucket-name.js';
import { checkRename } from '../conditions.js';
import type { OperationContext } from '../context.js';
import { keyOf, ownerOf, regionOf } from '../context.js';
import { S3Error, invalidArgument } from '../errors.js';
import { eventsOf } from '../events.js';
import { checkRemovable, retentionOfNew } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { replicatedDraft } from '../replicating.js';
import { deleteChange, deleteMarker, newVersionIdHeader, putChange } from '../versioning.js';

const SOURCE = 'x-amz-rename-source';
const TOKEN = 'x-amz-client-token';
/** Where the renamed version remembers the request that made it. */
const RECORD = 'rename';

export const renameObject: Handler = async (context) => {
  const { bucket, request } = context;
  const { headers } = request;
  const to = keyOf(context);
  const from = parseRenameSource(headers[SOURCE], bucket.name);
  if (from === to)
    throw new S3Error('InvalidRequest', {
      message: 'The source and the destination of a rename must be different keys.',
    });
  const token = clientToken(headers[TOKEN]);
  const { metadata } = regionOf(context, bucket);
  if (token !== null) {
    const there = await metadata.getVersion(bucket, to, 'latest', { withInline: false });
    if (there !== null && isRepetition(there, token, from)) return answer(bucket, there);
  }
  await loadVersion(context, {
    select: 'latest',
    permission: 'READ',
    withInline: false,
    key: from,
    actions: ['GetObject'],
  });
  requireAccess(context, { bucket, key: from, actions: needs(['DeleteObject']), permission: 'WRITE' });
  const removed = eventsOf(context, { bucket, key: from, cause: 'ObjectRemoved' });
  const created = eventsOf(context, { bucket, key: to, cause: 'ObjectCreated:Copy' });
  let repeated: ObjectVersion | null = null;
  const { version } = await metadata.rename({
    bucket,
    from,
    to,
    ...(removed.events === undefined ? {} : { sourceEvents: removed.events }),
    ...(created.events === undefined ? {} : { targetEvents: created.events }),
    decide: (source, target) => {
      repeated = target.latest !== null && isRepetition(target.latest, token, from) ? target.latest : null;
      if (repeated !== null) return null;
      return renameChange(context, { from, to, token, source, target });
    },
  });
  const made = version ?? repeated;
  if (made === null) throw new Error('a rename made no version');
  return answer(bucket, made);
};

interface Rename {
  readonly from: string;
  readonly to: string;
  readonly token: string | null;
  readonly source: KeyState;
  readonly target: KeyState;
}

/** @throws S3Error NoSuchKey, PreconditionFailed, AccessDenied (Object Lock) */
function renameChange(context: OperationContext, { from, to, token, source, target }: Rename): RenameChange {
  const { bucket, identity, request, services } = context;
  const object = source.selected;
  if (object === null || object.deleteMarker) throw missing('latest', from);
  checkRename(request.headers, object, target.latest);
  const nowMs = services.now();
  const { versionId: _id, seq: _seq, extra, ...same } = object;
  const { [RECORD]: _earlier, ...otherExtra } = extra;
  const draft = {
    ...same,
    extra: token === null ? otherExtra : { ...otherExtra, [RECORD]: { token, from } },
    retention: object.retention ?? retentionOfNew(bucket, null, nowMs),
    uploadId: null,
  };
  // For what they refuse: Object Lock may keep what the rename would replace or take away.
  putChange(bucket.versioning, target, draft);
  const by = { owner: ownerOf(identity), nowMs };
  deleteChange(bucket.versioning, source, by);
  // This gateway may still hold the bucket for unversioned: a version of another one's making is not taken away.
  const versioned = bucket.versioning !== 'unversioned' || object.versionId !== 'null';
  if (!versioned) checkRemovable(object, { nowMs, bypass: false });
  const isNull = bucket.versioning === 'suspended' || !versioned;
  return {
    draft: replicatedDraft({ bucket, key: to, nowMs }, draft, isNull),
    isNull,
    marker: versioned ? replicatedDraft({ bucket, key: from, nowMs }, deleteMarker(by), isNull) : null,
  };
}

/**
 * The key, percent-encoded; '/bucket/key' is taken too, as some clients send it.
 * @throws S3Error InvalidRequest, InvalidArgument, KeyTooLongError
 */
export function parseRenameSource(header: string | undefined, bucketName: string): string {
  if (header === undefined || header === '')
    throw new S3Error('InvalidRequest', { message: `Missing required header for this request: ${SOURCE}` });
  let path: string;
  try {
    path = decodeURIComponent(header);
  } catch {
    throw invalidArgument(SOURCE, header, 'The rename source is not URL-encoded UTF-8.');
  }
  const prefix = `/${bucketName}/`;
  const key = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  checkObjectKey(key);
  return key;
}

/** @throws S3Error InvalidArgument */
function clientToken(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (!/^[!-~]{1,64}$/.test(header))
    throw invalidArgument(TOKEN, header, 'A client token has at most 64 characters between 33 and 126 of ASCII.');
  return header;
}

/** Whether the version is what this very request made before. @throws S3Error IdempotencyParameterMismatch */
function isRepetition({ extra, deleteMarker: gone }: ObjectVersion, token: string | null, from: string): boolean {
  const record = extra[RECORD] as { readonly token: string; readonly from: string } | undefined;
  if (gone || token === null || record?.token !== token) return false;
  if (record.from !== from) throw new S3Error('IdempotencyParameterMismatch');
  return true;
}

function answer(bucket: BucketRecord, version: ObjectVersion) {
  return emptyResponse(200, newVersionIdHeader(bucket.versioning, version.versionId));
}
