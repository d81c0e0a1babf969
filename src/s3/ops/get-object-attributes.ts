/**
 * GetObjectAttributes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
 * Deviation: the parts of a multipart object are listed whether it has a checksum or not.
 */
import type { PartInfo } from '../../store/types.js';
import { loadVersion } from '../access.js';
import { httpDate } from '../dates.js';
import { checkReadKey } from '../encryption.js';
import { S3Error, invalidArgument } from '../errors.js';
import { partNumberMarker } from '../multipart.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { MAX_PAGE } from '../paging.js';
import { selectorOf, versionIdHeader } from '../versioning.js';
import type { ObjectAttributes, ObjectPartsPage } from '../xml/get-object-attributes.js';
import { getObjectAttributesResponse } from '../xml/get-object-attributes.js';

type Headers = Readonly<Record<string, string>>;

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

export const getObjectAttributes: Handler = async (context) => {
  const { request, bucket } = context;
  const { headers, query } = request;
  const wanted = wantedAttributes(headers);
  const page = pageOf(headers);
  const version = await loadVersion(context, {
    select: selectorOf(query.get('versionId')),
    permission: 'READ',
    withInline: false,
  });
  checkReadKey(context, version.encryption);
  const attributes: ObjectAttributes = {
    ...(wanted.has('ETag') && { etag: version.etag }),
    ...(wanted.has('Checksum') && version.checksum !== null && { checksum: version.checksum }),
    ...(wanted.has('ObjectParts') && version.parts !== null && { objectParts: partsPage(version.parts, page) }),
    ...(wanted.has('StorageClass') && { storageClass: version.storageClass }),
    ...(wanted.has('ObjectSize') && { objectSizeBytes: version.sizeBytes }),
  };
  return xmlResponse(getObjectAttributesResponse(attributes), {
    'last-modified': httpDate(version.lastModified),
    ...versionIdHeader(bucket.versioning, version.versionId),
  });
};

/** @throws S3Error InvalidArgument for an unknown attribute, InvalidRequest for none */
function wantedAttributes(headers: Headers): ReadonlySet<Attribute> {
  const names = (headers['x-amz-object-attributes'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0)
    throw new S3Error('InvalidRequest', {
      message:
        'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    });
  return new Set(
    names.map((name) => {
      const attribute = ATTRIBUTES.find((candidate) => candidate === name);
      if (attribute === undefined)
        throw invalidArgument('x-amz-object-attributes', name, 'Invalid attribute name specified.');
      return attribute;
    }),
  );
}

interface Page {
  readonly after: number;
  readonly maxParts: number;
}

function pageOf(headers: Headers): Page {
  const size = headers['x-amz-max-parts'];
  return {
    after: partNumberMarker('x-amz-part-number-marker', headers['x-amz-part-number-marker']),
    maxParts:
      size === undefined || size === '' ? MAX_PAGE : Math.min(partNumberMarker('x-amz-max-parts', size), MAX_PAGE),
  };
}

function partsPage(all: readonly PartInfo[], { after, maxParts }: Page): ObjectPartsPage {
  const rest = all.filter((part) => part.partNumber > after);
  const parts = rest.slice(0, maxParts);
  return {
    partsCount: all.length,
    partNumberMarker: after,
    nextPartNumberMarker: parts.at(-1)?.partNumber ?? 0,
    maxParts,
    isTruncated: maxParts > 0 && rest.length > parts.length,
    parts,
  };
}
