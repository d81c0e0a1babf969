/** CopyObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
import type { ChecksumAlgorithm } from '../../data/checksums.js';
import { parseChecksumAlgorithm } from '../../data/checksums.js';
import type { EncryptionInfo } from '../../store/types.js';
import { requireAccess } from '../access.js';
import { needs } from '../access-actions.js';
import { requestTagKeys } from '../access-conditions.js';
import { checkWrite } from '../conditions.js';
import type { OperationContext } from '../context.js';
import { keyOf } from '../context.js';
import type { CopySource } from '../copy-source.js';
import { loadCopySource } from '../copy-source.js';
import { writeEncryption } from '../encryption.js';
import { contextHeader } from '../encryption-request.js';
import { S3Error, invalidArgument } from '../errors.js';
import { expirationHeader } from '../lifecycle.js';
import type { ObjectAttributes } from '../object-attributes.js';
import { objectAttributes } from '../object-attributes.js';
import { encryptionHeaders } from '../object-headers.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { chargedHeaders } from '../requester-pays.js';
import { copyObjectResult } from '../xml/documents.js';
import { newVersionIdHeader } from '../versioning.js';
import { MAX_PUT_BYTES, writeObject } from '../write-object.js';

type Directive = 'COPY' | 'REPLACE';

export const copyObject: Handler = async (context) => {
  const { request, bucket } = context;
  const { headers } = request;
  const key = keyOf(context);
  const source = await loadCopySource(context);
  if (source.version.sizeBytes > MAX_PUT_BYTES)
    throw new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    });
  const metadataDirective = directive(headers, 'x-amz-metadata-directive');
  const taggingDirective = directive(headers, 'x-amz-tagging-directive');
  if (taggingDirective === 'COPY') requireTagCopy(context, source);
  const own = await objectAttributes(context, bucket);
  const encryption = await writeEncryption(context, { bucket, key });
  if (
    changesNothing(context.request, source, metadataDirective, bucket.name, key) &&
    sameEncryption(source.version.encryption, encryption?.info ?? null)
  )
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  const attributes: ObjectAttributes = {
    ...own,
    headers: metadataDirective === 'REPLACE' ? own.headers : withoutRedirect(source.version.headers, own.headers),
    tags: taggingDirective === 'REPLACE' ? own.tags : source.version.tags,
  };
  const algorithm = checksumOf(headers, source);
  const { version } = await writeObject(context, {
    bucket,
    key,
    source: source.body(null),
    sizeHintBytes: source.version.sizeBytes,
    maxSizeBytes: MAX_PUT_BYTES,
    attributes,
    owner: own.owner,
    encryption,
    checksums: algorithm === null ? [] : [algorithm],
    cause: 'ObjectCreated:Copy',
    verify: ({ digests }) => {
      const digest = algorithm === null ? undefined : digests.get(algorithm);
      return algorithm === null || digest === undefined
        ? null
        : { algorithm, type: 'FULL_OBJECT', value: digest.toString('base64') };
    },
    precondition: (state) => {
      checkWrite(headers, state.latest);
    },
  });
  if (version === null) throw new Error('a copy committed no version');
  return xmlResponse(
    copyObjectResult({ etag: version.etag, lastModified: version.lastModified, checksum: version.checksum }),
    {
      ...newVersionIdHeader(bucket.versioning, version.versionId),
      ...(source.bucket.versioning === 'unversioned'
        ? {}
        : { 'x-amz-copy-source-version-id': source.version.versionId }),
      ...chargedHeaders(context.identity, source.bucket),
      ...encryptionHeaders(version),
      ...contextHeader(headers),
      ...expirationHeader(bucket, { key, version, dayMs: context.services.settings.lifecycleDayMs }),
    },
  );
};

/** Tags that come along are read there and written here. @throws S3Error AccessDenied */
function requireTagCopy(context: OperationContext, { bucket, key, version, versionNamed }: CopySource): void {
  if (Object.keys(version.tags).length === 0) return;
  requireAccess(context, {
    bucket,
    key,
    version,
    actions: needs([versionNamed ? 'GetObjectVersionTagging' : 'GetObjectTagging']),
    permission: 'READ',
  });
  requireAccess(context, {
    bucket: context.bucket,
    key: keyOf(context),
    actions: needs(['PutObjectTagging']),
    permission: 'WRITE',
    keys: requestTagKeys(version.tags),
  });
}

function directive(headers: Readonly<Record<string, string>>, name: string): Directive {
  const value = headers[name];
  if (value === undefined) return 'COPY';
  const upper = value.toUpperCase();
  if (upper === 'COPY' || upper === 'REPLACE') return upper;
  throw invalidArgument(
    name,
    value,
    `Unknown ${name === 'x-amz-metadata-directive' ? 'metadata' : 'tagging'} directive.`,
  );
}

/** A copy onto itself has to change something (copying an old version onto its key does). */
function changesNothing(
  request: { readonly headers: Readonly<Record<string, string>> },
  source: CopySource,
  metadataDirective: Directive,
  bucketName: string,
  key: string,
): boolean {
  const { headers } = request;
  return (
    source.bucket.name === bucketName &&
    source.key === key &&
    !source.versionNamed &&
    metadataDirective === 'COPY' &&
    headers['x-amz-storage-class'] === undefined &&
    headers['x-amz-website-redirect-location'] === undefined &&
    headers['x-amz-server-side-encryption'] === undefined &&
    headers['x-amz-server-side-encryption-customer-algorithm'] === undefined
  );
}

/**
 * Whether a copy is sealed as its source is. It is not when the request names no encryption and the source had one of its own, or the
 * bucket's default came later than the source. Two customer's keys are never compared: naming one is a change already.
 */
function sameEncryption(source: EncryptionInfo | null, copy: EncryptionInfo | null): boolean {
  if (source?.kind !== copy?.kind) return false;
  return copy?.kind !== 'SSE-KMS' || source?.keyId === copy.keyId;
}

/** The website redirect is not metadata: it is never copied, only set. */
function withoutRedirect(
  copied: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const name = 'x-amz-website-redirect-location';
  const headers = Object.fromEntries(Object.entries(copied).filter(([header]) => header !== name));
  const redirect = own[name];
  if (redirect !== undefined) headers[name] = redirect;
  return headers;
}

/** The algorithm asked for, else the source's: a copy keeps the kind of checksum, computed over the whole object. */
function checksumOf(headers: Readonly<Record<string, string>>, source: CopySource): ChecksumAlgorithm | null {
  const asked = headers['x-amz-checksum-algorithm'];
  if (asked !== undefined) {
    const algorithm = parseChecksumAlgorithm(asked);
    if (algorithm === null) throw invalidArgument('x-amz-checksum-algorithm', asked);
    return algorithm;
  }
  return source.version.checksum === null ? null : parseChecksumAlgorithm(source.version.checksum.algorithm);
}
