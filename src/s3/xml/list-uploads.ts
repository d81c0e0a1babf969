/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html and API_ListParts.html */
import type { Owner, PartRecord, UploadRecord } from '../../store/types.js';
import { isoDate } from '../dates.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { checksumElements, commonPrefixElements, etagElement, ownerElement } from './fragments.js';
import type { EncodingType } from './url-encoding.js';
import { encodeListed } from './url-encoding.js';

export type ListedUpload = Pick<
  UploadRecord,
  'key' | 'uploadId' | 'createdAt' | 'initiator' | 'owner' | 'storageClass' | 'checksum'
>;

export interface ListMultipartUploadsResult {
  readonly bucket: string;
  /** as asked for; '' = none */
  readonly keyMarker: string;
  /** as asked for; '' = none */
  readonly uploadIdMarker: string;
  readonly nextKeyMarker: string | null;
  readonly nextUploadIdMarker: string | null;
  readonly prefix: string;
  /** '' = none */
  readonly delimiter: string;
  readonly encodingType: EncodingType;
  readonly maxUploads: number;
  readonly isTruncated: boolean;
  readonly uploads: readonly ListedUpload[];
  readonly commonPrefixes: readonly string[];
}

export function listMultipartUploadsResult(result: ListMultipartUploadsResult): string {
  const { encodingType } = result;
  const uploads = result.uploads.map((upload) =>
    parent(
      'Upload',
      element('Key', encodeListed(upload.key, encodingType)) +
        element('UploadId', upload.uploadId) +
        ownerElement('Initiator', upload.initiator) +
        ownerElement('Owner', upload.owner) +
        element('StorageClass', upload.storageClass) +
        element('Initiated', isoDate(upload.createdAt)) +
        optional('ChecksumAlgorithm', upload.checksum?.algorithm) +
        optional('ChecksumType', upload.checksum?.type),
    ),
  );
  return xmlDocument(
    'ListMultipartUploadsResult',
    element('Bucket', result.bucket) +
      element('KeyMarker', encodeListed(result.keyMarker, encodingType)) +
      element('UploadIdMarker', result.uploadIdMarker) +
      (result.nextKeyMarker === null
        ? ''
        : element('NextKeyMarker', encodeListed(result.nextKeyMarker, encodingType))) +
      optional('NextUploadIdMarker', result.nextUploadIdMarker) +
      element('Prefix', encodeListed(result.prefix, encodingType)) +
      (result.delimiter === '' ? '' : element('Delimiter', encodeListed(result.delimiter, encodingType))) +
      optional('EncodingType', encodingType) +
      element('MaxUploads', result.maxUploads) +
      element('IsTruncated', result.isTruncated) +
      uploads.join('') +
      commonPrefixElements(result.commonPrefixes, encodingType),
  );
}

export interface ListPartsResult {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly initiator: Owner;
  readonly owner: Owner;
  readonly storageClass: string;
  readonly partNumberMarker: number;
  readonly nextPartNumberMarker: number | null;
  readonly maxParts: number;
  readonly isTruncated: boolean;
  readonly checksum: UploadRecord['checksum'];
  readonly parts: readonly Pick<PartRecord, 'partNumber' | 'lastModified' | 'etag' | 'sizeBytes' | 'checksums'>[];
}

export function listPartsResult(result: ListPartsResult): string {
  const parts = result.parts.map((part) =>
    parent(
      'Part',
      element('PartNumber', part.partNumber) +
        element('LastModified', isoDate(part.lastModified)) +
        etagElement(part.etag) +
        element('Size', part.sizeBytes) +
        checksumElements(part.checksums),
    ),
  );
  return xmlDocument(
    'ListPartsResult',
    element('Bucket', result.bucket) +
      element('Key', result.key) +
      element('UploadId', result.uploadId) +
      ownerElement('Initiator', result.initiator) +
      ownerElement('Owner', result.owner) +
      element('StorageClass', result.storageClass) +
      element('PartNumberMarker', result.partNumberMarker) +
      optional('NextPartNumberMarker', result.nextPartNumberMarker) +
      element('MaxParts', result.maxParts) +
      element('IsTruncated', result.isTruncated) +
      optional('ChecksumAlgorithm', result.checksum?.algorithm) +
      optional('ChecksumType', result.checksum?.type) +
      parts.join(''),
  );
}
