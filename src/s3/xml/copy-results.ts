/** Answers of CopyObject and UploadPartCopy. */
import type { ObjectChecksum } from '../../store/types.js';
import { isoDate } from '../dates.js';
import { element, xmlDocument } from './build.js';
import { checksumElements, etagElement, objectChecksumElements } from './fragments.js';
import type { Checksums } from './fragments.js';

export interface CopyObjectResult {
  /** ms since the epoch */
  readonly lastModified: number;
  /** without quotes */
  readonly etag: string;
  readonly checksum: ObjectChecksum | null;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export function copyObjectResult(result: CopyObjectResult): string {
  return xmlDocument(
    'CopyObjectResult',
    element('LastModified', isoDate(result.lastModified)) +
      etagElement(result.etag) +
      (result.checksum === null ? '' : objectChecksumElements(result.checksum)),
  );
}

export interface CopyPartResult {
  /** ms since the epoch */
  readonly lastModified: number;
  /** without quotes */
  readonly etag: string;
  readonly checksums: Checksums;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export function copyPartResult(result: CopyPartResult): string {
  return xmlDocument(
    'CopyPartResult',
    element('LastModified', isoDate(result.lastModified)) +
      etagElement(result.etag) +
      checksumElements(result.checksums),
  );
}
