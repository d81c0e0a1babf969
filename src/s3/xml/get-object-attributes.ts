/** Answer of GetObjectAttributes. */
import type { ObjectChecksum, PartInfo } from '../../store/types.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { checksumElements, objectChecksumElements } from './fragments.js';

export interface ObjectPartsPage {
  /** of the whole object */
  readonly partsCount: number;
  readonly partNumberMarker: number;
  readonly nextPartNumberMarker: number;
  readonly maxParts: number;
  readonly isTruncated: boolean;
  readonly parts: readonly PartInfo[];
}

/** Only what was asked for and exists. */
export interface ObjectAttributes {
  /** without quotes */
  readonly etag?: string;
  readonly checksum?: ObjectChecksum;
  readonly objectParts?: ObjectPartsPage;
  readonly storageClass?: string;
  readonly objectSizeBytes?: number;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html: ETag is not quoted here. */
export function getObjectAttributesResponse(attributes: ObjectAttributes): string {
  const { checksum, objectParts } = attributes;
  return xmlDocument(
    'GetObjectAttributesResponse',
    optional('ETag', attributes.etag) +
      (checksum === undefined ? '' : parent('Checksum', objectChecksumElements(checksum))) +
      (objectParts === undefined ? '' : parent('ObjectParts', objectPartsElements(objectParts))) +
      optional('StorageClass', attributes.storageClass) +
      optional('ObjectSize', attributes.objectSizeBytes),
  );
}

function objectPartsElements(page: ObjectPartsPage): string {
  const parts = page.parts.map((part) =>
    parent(
      'Part',
      element('PartNumber', part.partNumber) + element('Size', part.sizeBytes) + checksumElements(part.checksums),
    ),
  );
  return (
    element('PartsCount', page.partsCount) +
    element('PartNumberMarker', page.partNumberMarker) +
    element('NextPartNumberMarker', page.nextPartNumberMarker) +
    element('MaxParts', page.maxParts) +
    element('IsTruncated', page.isTruncated) +
    parts.join('')
  );
}
