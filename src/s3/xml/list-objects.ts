/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html and API_ListObjectsV2.html. Empty delimiters,
 * markers and tokens that were not given are left out where S3 leaves them out.
 */
import type { ObjectEntry } from '../../store/types.js';
import { isoDate, perSecond } from '../dates.js';
import { element, escapeXml, optional, xmlDocument } from './build.js';
import { commonPrefixElements, ownerWriter } from './fragments.js';
import type { EncodingType } from './url-encoding.js';
import { encodeListed, encodePrefixV1 } from './url-encoding.js';

interface CommonResult {
  readonly name: string;
  readonly prefix: string;
  /** '' = none */
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly isTruncated: boolean;
  readonly encodingType: EncodingType;
  readonly contents: readonly ObjectEntry[];
  readonly commonPrefixes: readonly string[];
}

export interface ListBucketResult extends CommonResult {
  /** as asked for; '' = none */
  readonly marker: string;
  /** null: S3 tells it only when a delimiter was given and the listing is truncated */
  readonly nextMarker: string | null;
}

export interface ListBucketV2Result extends CommonResult {
  /** as asked for */
  readonly continuationToken: string | null;
  readonly nextContinuationToken: string | null;
  /** as asked for; '' = none */
  readonly startAfter: string;
  readonly fetchOwner: boolean;
}

export function listBucketResult(result: ListBucketResult): string {
  const { encodingType } = result;
  return xmlDocument(
    'ListBucketResult',
    element('Name', result.name) +
      element('Prefix', encodePrefixV1(result.prefix, encodingType)) +
      element('Marker', encodeListed(result.marker, encodingType)) +
      (result.nextMarker === null ? '' : element('NextMarker', encodeListed(result.nextMarker, encodingType))) +
      pageElements(result) +
      contentsElements(result, true) +
      commonPrefixElements(result.commonPrefixes, encodingType),
  );
}

export function listBucketV2Result(result: ListBucketV2Result): string {
  const { encodingType } = result;
  return xmlDocument(
    'ListBucketResult',
    element('Name', result.name) +
      element('Prefix', encodeListed(result.prefix, encodingType)) +
      (result.startAfter === '' ? '' : element('StartAfter', encodeListed(result.startAfter, encodingType))) +
      optional('ContinuationToken', result.continuationToken) +
      optional('NextContinuationToken', result.nextContinuationToken) +
      element('KeyCount', result.contents.length + result.commonPrefixes.length) +
      pageElements(result) +
      contentsElements(result, result.fetchOwner) +
      commonPrefixElements(result.commonPrefixes, encodingType),
  );
}

function pageElements(result: CommonResult): string {
  return (
    element('MaxKeys', result.maxKeys) +
    (result.delimiter === '' ? '' : element('Delimiter', encodeListed(result.delimiter, result.encodingType))) +
    optional('EncodingType', result.encodingType) +
    element('IsTruncated', result.isTruncated)
  );
}

/** The hot path: one template per entry. */
function contentsElements({ contents, encodingType }: CommonResult, withOwner: boolean): string {
  const writeDate = perSecond(isoDate);
  const writeOwner = ownerWriter('Owner');
  let xml = '';
  for (const entry of contents) {
    xml +=
      `<Contents><Key>${escapeXml(encodeListed(entry.key, encodingType))}</Key>` +
      `<LastModified>${writeDate(entry.lastModified)}</LastModified>` +
      `<ETag>&quot;${escapeXml(entry.etag)}&quot;</ETag>` +
      (entry.checksumAlgorithm === null ? '' : element('ChecksumAlgorithm', entry.checksumAlgorithm)) +
      (entry.checksumType === null ? '' : element('ChecksumType', entry.checksumType)) +
      `<Size>${entry.sizeBytes}</Size>` +
      (withOwner ? writeOwner(entry.owner) : '') +
      `<StorageClass>${escapeXml(entry.storageClass)}</StorageClass></Contents>`;
  }
  return xml;
}
