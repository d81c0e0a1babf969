/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
import { parseHttpDate, parseIsoDate } from '../dates.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { unquoteEtag } from './fragments.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

export interface DeleteRequestObject {
  readonly key: string;
  readonly versionId?: string | undefined;
  /** only if the object has this entity tag (without quotes; '*' = any) */
  readonly etag?: string | undefined;
  /** ms since the epoch; only if last modified at this time */
  readonly lastModified?: number | undefined;
  /** only if the object has this size */
  readonly sizeBytes?: number | undefined;
}

export interface DeleteRequest {
  readonly quiet: boolean;
  readonly objects: readonly DeleteRequestObject[];
}

export const MAX_DELETE_OBJECTS = 1000;

/** 1,000 keys of 1,024 characters, each escaped into six, with version ids and conditions. */
const MAX_DELETE_BYTES = 8 * 1024 * 1024;

/** @throws S3Error MalformedXML, also for no or more than 1,000 objects, and for an empty key */
export function parseDelete(body: Buffer | string, limits: { readonly maxBytes?: number } = {}): DeleteRequest {
  const root = parseXml(body, { root: 'Delete', maxBytes: limits.maxBytes ?? MAX_DELETE_BYTES });
  root.allowOnly('Object', 'Quiet');
  const objects = root.children('Object');
  if (objects.length === 0) throw root.fault('Delete needs an Object');
  if (objects.length > MAX_DELETE_OBJECTS) throw root.fault('Delete has more than 1,000 objects');
  return { quiet: root.boolean('Quiet') ?? false, objects: objects.map(readObject) };
}

function readObject(object: XmlNode): DeleteRequestObject {
  object.allowOnly('Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size');
  const key = object.requiredText('Key');
  if (key === '') throw object.fault('Key must not be empty');
  const versionId = object.text('VersionId');
  const etag = object.text('ETag');
  return {
    key,
    // SDKs that serialise an unset version id write an empty element.
    versionId: versionId === '' ? undefined : versionId,
    etag: etag === undefined ? undefined : unquoteEtag(etag),
    lastModified: readTime(object),
    sizeBytes: object.integer('Size'),
  };
}

/** botocore writes RFC 1123 here, other SDKs ISO 8601. */
function readTime(object: XmlNode): number | undefined {
  const text = object.text('LastModifiedTime')?.trim();
  if (text === undefined) return undefined;
  const time = parseHttpDate(text) ?? parseIsoDate(text);
  if (time === null) throw object.fault('LastModifiedTime must be a date');
  return time;
}

export interface DeletedEntry {
  readonly key: string;
  /** the version that was deleted, if the request named one */
  readonly versionId?: string | undefined;
  /** a delete marker was made, or the deleted version was one */
  readonly deleteMarker?: boolean | undefined;
  readonly deleteMarkerVersionId?: string | undefined;
}

export interface DeleteErrorEntry {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly code: string;
  readonly message: string;
}

export interface DeleteResult {
  /** empty in quiet mode */
  readonly deleted: readonly DeletedEntry[];
  readonly errors: readonly DeleteErrorEntry[];
}

export function deleteResult(result: DeleteResult): string {
  const deleted = result.deleted.map((object) =>
    parent(
      'Deleted',
      element('Key', object.key) +
        optional('VersionId', object.versionId) +
        optional('DeleteMarker', object.deleteMarker) +
        optional('DeleteMarkerVersionId', object.deleteMarkerVersionId),
    ),
  );
  const errors = result.errors.map((failure) =>
    parent(
      'Error',
      element('Key', failure.key) +
        optional('VersionId', failure.versionId) +
        element('Code', failure.code) +
        element('Message', failure.message),
    ),
  );
  return xmlDocument('DeleteResult', deleted.join('') + errors.join(''));
}
