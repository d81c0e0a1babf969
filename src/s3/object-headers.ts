/** The headers that live with an object: picked from the request that writes it, given back to those that read it. */
import type { ObjectVersion, VersioningState } from '../store/types.js';
import { wireValue } from '../http/headers.js';
import { httpDate } from './dates.js';
import { S3Error, invalidArgument } from './errors.js';
import { answeredMetadata, storedMetadataValue } from './metadata-encoding.js';
import { lockHeaders } from './object-lock.js';
import { replicationHeaders } from './replication-record.js';

type Headers = Readonly<Record<string, string>>;

/** System-defined metadata that clients set, answered as they were given. */
const SYSTEM_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
] as const;

/** Content type of objects that were written without one. */
export const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/** User-defined metadata at most, names and values together. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const MAX_USER_METADATA_BYTES = 2048;

/** Characters. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
const MAX_REDIRECT_LENGTH = 2048;

const META_PREFIX = 'x-amz-meta-';

/** What no header can carry; the fields of a form can. */
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/**
 * Content-Type and the other system headers, x-amz-meta-*, x-amz-website-redirect-location.
 * @throws S3Error MetadataTooLarge, InvalidArgument, InvalidRedirectLocation
 */
export function storedHeaders(headers: Headers): Record<string, string> {
  const stored: Record<string, string> = { 'content-type': headers['content-type'] ?? DEFAULT_CONTENT_TYPE };
  if (stored['content-type'] === '') stored['content-type'] = DEFAULT_CONTENT_TYPE;
  for (const name of SYSTEM_HEADERS) {
    const value = name === 'content-encoding' ? contentEncoding(headers[name]) : headers[name];
    if (value !== undefined && value !== '') stored[name] = value;
  }
  for (const [name, value] of Object.entries(stored)) if (CONTROL.test(value)) throw invalidArgument(name, value);
  const redirect = headers['x-amz-website-redirect-location'];
  if (redirect !== undefined) stored['x-amz-website-redirect-location'] = redirectLocation(redirect);
  let metadataBytes = 0;
  for (const name in headers) {
    if (!name.startsWith(META_PREFIX)) continue;
    const value = storedMetadataValue(headers[name] ?? '');
    metadataBytes += name.length - META_PREFIX.length + value.length;
    stored[name] = value;
  }
  if (metadataBytes > MAX_USER_METADATA_BYTES)
    throw new S3Error('MetadataTooLarge', {
      detail: { Size: String(metadataBytes), MaxSizeAllowed: String(MAX_USER_METADATA_BYTES) },
    });
  return stored;
}

/** @throws S3Error InvalidRedirectLocation */
function redirectLocation(value: string): string {
  if (value === '')
    throw new S3Error('InvalidRedirectLocation', { message: 'The website redirect location must be non-empty.' });
  if (!/^(\/|https?:\/\/)/.test(value) || CONTROL.test(value)) throw new S3Error('InvalidRedirectLocation');
  if (value.length > MAX_REDIRECT_LENGTH)
    throw new S3Error('InvalidRedirectLocation', {
      message: 'The length of website redirect location cannot exceed 2,048 characters.',
    });
  return value;
}

/** aws-chunked is a framing of the request, not an encoding of the object. */
function contentEncoding(value: string | undefined): string | undefined {
  if (value === undefined || !/aws-chunked/i.test(value)) return value;
  return value
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding.toLowerCase() !== 'aws-chunked' && coding !== '')
    .join(',');
}

/** Query parameters of GetObject and HeadObject that replace response headers. */
const OVERRIDES: readonly (readonly [string, string])[] = [
  ['response-cache-control', 'cache-control'],
  ['response-content-disposition', 'content-disposition'],
  ['response-content-encoding', 'content-encoding'],
  ['response-content-language', 'content-language'],
  ['response-content-type', 'content-type'],
  ['response-expires', 'expires'],
];

/** @throws S3Error InvalidRequest when an anonymous request asks for overrides */
export function responseOverrides(
  query: { get(name: string): string | undefined },
  anonymous: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value === undefined) continue;
    if (anonymous)
      throw new S3Error('InvalidRequest', {
        message: 'Request specific response headers cannot be used for anonymous GET requests.',
      });
    if (CONTROL.test(value)) throw invalidArgument(parameter, value);
    headers[header] = wireValue(value);
  }
  return headers;
}

/** Headers of GetObject and HeadObject that come with the version, whatever the range. */
export function versionHeaders(version: ObjectVersion, versioning: VersioningState): Record<string, string> {
  const headers: Record<string, string> = {
    ...answeredMetadata(version.headers),
    etag: `"${version.etag}"`,
    'last-modified': httpDate(version.lastModified),
    'accept-ranges': 'bytes',
  };
  if (versioning !== 'unversioned') headers['x-amz-version-id'] = version.versionId;
  if (version.storageClass !== 'STANDARD') headers['x-amz-storage-class'] = version.storageClass;
  const tags = Object.keys(version.tags).length;
  if (tags > 0) headers['x-amz-tagging-count'] = String(tags);
  Object.assign(headers, encryptionHeaders(version));
  return Object.assign(headers, replicationHeaders(version), lockHeaders(version));
}

/** What writes and reads say about how the version is encrypted. */
export function encryptionHeaders({ encryption }: Pick<ObjectVersion, 'encryption'>): Record<string, string> {
  if (encryption === null) return {};
  switch (encryption.kind) {
    case 'SSE-S3':
      return { 'x-amz-server-side-encryption': 'AES256' };
    case 'SSE-KMS':
      return {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId,
        ...(encryption.bucketKey === true && { 'x-amz-server-side-encryption-bucket-key-enabled': 'true' }),
      };
    case 'SSE-C':
      return {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key-md5': encryption.keyId,
      };
  }
}
