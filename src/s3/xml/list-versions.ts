/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
import type { VersionEntry } from '../../store/types.js';
import { isoDate, perSecond } from '../dates.js';
import { element, escapeXml, optional, xmlDocument } from './build.js';
import { commonPrefixElements, ownerWriter } from './fragments.js';
import type { EncodingType } from './url-encoding.js';
import { encodeListed } from './url-encoding.js';

export interface ListVersionsResult {
  readonly name: string;
  readonly prefix: string;
  /** as asked for; '' = none */
  readonly keyMarker: string;
  /** as asked for; '' = none */
  readonly versionIdMarker: string;
  readonly nextKeyMarker: string | null;
  readonly nextVersionIdMarker: string | null;
  readonly maxKeys: number;
  /** '' = none */
  readonly delimiter: string;
  readonly encodingType: EncodingType;
  readonly isTruncated: boolean;
  /** versions and delete markers, in order */
  readonly versions: readonly VersionEntry[];
  readonly commonPrefixes: readonly string[];
}

export function listVersionsResult(result: ListVersionsResult): string {
  const { encodingType } = result;
  return xmlDocument(
    'ListVersionsResult',
    element('Name', result.name) +
      element('Prefix', encodeListed(result.prefix, encodingType)) +
      element('KeyMarker', encodeListed(result.keyMarker, encodingType)) +
      element('VersionIdMarker', result.versionIdMarker) +
      (result.nextKeyMarker === null
        ? ''
        : element('NextKeyMarker', encodeListed(result.nextKeyMarker, encodingType))) +
      optional('NextVersionIdMarker', result.nextVersionIdMarker) +
      element('MaxKeys', result.maxKeys) +
      (result.delimiter === '' ? '' : element('Delimiter', encodeListed(result.delimiter, encodingType))) +
      optional('EncodingType', encodingType) +
      element('IsTruncated', result.isTruncated) +
      versionElements(result.versions, encodingType) +
      commonPrefixElements(result.commonPrefixes, encodingType),
  );
}

function versionElements(versions: readonly VersionEntry[], encodingType: EncodingType): string {
  const writeDate = perSecond(isoDate);
  const writeOwner = ownerWriter('Owner');
  let xml = '';
  for (const entry of versions) {
    const tag = entry.deleteMarker ? 'DeleteMarker' : 'Version';
    xml +=
      `<${tag}><Key>${escapeXml(encodeListed(entry.key, encodingType))}</Key>` +
      `<VersionId>${escapeXml(entry.versionId)}</VersionId>` +
      `<IsLatest>${String(entry.latest)}</IsLatest>` +
      `<LastModified>${writeDate(entry.lastModified)}</LastModified>` +
      (entry.deleteMarker ? '' : storedElements(entry)) +
      `${writeOwner(entry.owner)}</${tag}>`;
  }
  return xml;
}

/** What a delete marker has not. */
function storedElements(entry: VersionEntry): string {
  return (
    `<ETag>&quot;${escapeXml(entry.etag)}&quot;</ETag>` +
    optional('ChecksumAlgorithm', entry.checksumAlgorithm) +
    optional('ChecksumType', entry.checksumType) +
    `<Size>${entry.sizeBytes}</Size><StorageClass>${escapeXml(entry.storageClass)}</StorageClass>`
  );
}
