/** The documents that start and complete a multipart upload. */
import type { ObjectChecksum } from '../../store/types.js';
import { invalidArgument } from '../errors.js';
import { element, xmlDocument } from './build.js';
import { etagElement, objectChecksumElements, unquoteEtag } from './fragments.js';
import type { Checksums } from './fragments.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export function initiateMultipartUploadResult(result: {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}): string {
  return xmlDocument(
    'InitiateMultipartUploadResult',
    element('Bucket', result.bucket) + element('Key', result.key) + element('UploadId', result.uploadId),
  );
}

export interface CompleteMultipartUploadResult {
  /** URL of the object */
  readonly location: string;
  readonly bucket: string;
  readonly key: string;
  /** without quotes */
  readonly etag: string;
  readonly checksum: ObjectChecksum | null;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export function completeMultipartUploadResult(result: CompleteMultipartUploadResult): string {
  return xmlDocument(
    'CompleteMultipartUploadResult',
    element('Location', result.location) +
      element('Bucket', result.bucket) +
      element('Key', result.key) +
      etagElement(result.etag) +
      (result.checksum === null ? '' : objectChecksumElements(result.checksum)),
  );
}

export interface CompletedPart {
  /** 1..10,000 */
  readonly partNumber: number;
  /** without quotes */
  readonly etag: string;
  readonly checksums: Checksums;
}

export const MAX_PARTS = 10_000;

/** 10,000 parts with the longest checksums in indented XML. */
const MAX_COMPLETE_BYTES = 8 * 1024 * 1024;

const CHECKSUM_ELEMENT = /^Checksum(CRC32|CRC32C|CRC64NVME|MD5|SHA1|SHA256|SHA512)$/;

/**
 * CompleteMultipartUpload: the parts in the order given (which the operation checks).
 * @throws S3Error MalformedXML for no or more than 10,000 parts; InvalidArgument for a part number out of range
 */
export function parseCompleteMultipartUpload(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): readonly CompletedPart[] {
  const root = parseXml(body, { root: 'CompleteMultipartUpload', maxBytes: limits.maxBytes ?? MAX_COMPLETE_BYTES });
  root.allowOnly('Part');
  if (root.elements.length === 0) throw root.fault('CompleteMultipartUpload needs a Part');
  if (root.elements.length > MAX_PARTS) throw root.fault('CompleteMultipartUpload has more than 10,000 parts');
  return root.elements.map(readPart);
}

function readPart(part: XmlNode): CompletedPart {
  let checksums: Record<string, string> | undefined;
  for (const { name } of part.elements) {
    if (name === 'PartNumber' || name === 'ETag') continue;
    const algorithm = CHECKSUM_ELEMENT.exec(name)?.[1];
    if (algorithm === undefined) throw part.fault(`${name} is not expected in Part`);
    checksums ??= {};
    checksums[algorithm] = part.requiredText(name).trim();
  }
  const partNumber = part.integer('PartNumber');
  if (partNumber === undefined) throw part.fault('Part needs a PartNumber');
  if (partNumber < 1 || partNumber > MAX_PARTS)
    throw invalidArgument(
      'partNumber',
      String(partNumber),
      'Part number must be an integer between 1 and 10000, inclusive',
    );
  return { partNumber, etag: unquoteEtag(part.requiredText('ETag')), checksums: checksums ?? {} };
}
