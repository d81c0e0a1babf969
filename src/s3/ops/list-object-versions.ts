/** ListObjectVersions. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
import type { VersionEntry } from '../../store/types.js';
import { seqOfVersionId } from '../../store/versions.js';
import { ownedEntries } from '../bucket-security.js';
import { regionOf } from '../context.js';
import { invalidArgument } from '../errors.js';
import { listVersioned } from '../listing-versions.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { encodingType, pageSize } from '../paging.js';
import { selectorOf } from '../versioning.js';
import { listVersionsResult } from '../xml/documents.js';

export const listObjectVersions: Handler = async (context) => {
  const { bucket, request } = context;
  const { query } = request;
  const { metadata } = regionOf(context, bucket);
  const keyMarker = query.get('key-marker') ?? '';
  const versionIdMarker = query.get('version-id-marker') ?? '';
  if (versionIdMarker !== '' && keyMarker === '')
    throw invalidArgument(
      'version-id-marker',
      versionIdMarker,
      'A version-id marker cannot be specified without a key marker.',
    );
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = pageSize(query, 'max-keys');
  const afterSeq = versionIdMarker === '' ? null : await markerSeq();
  const found = await listVersioned<VersionEntry>((scan) => metadata.scanVersions(bucket, scan), {
    prefix,
    delimiter,
    after: keyMarker,
    afterSeq,
    maxKeys,
  });
  return xmlResponse(
    listVersionsResult({
      name: bucket.name,
      prefix,
      keyMarker,
      versionIdMarker,
      nextKeyMarker: found.truncated ? found.lastKey : null,
      nextVersionIdMarker: found.truncated ? (found.lastEntry?.versionId ?? null) : null,
      maxKeys,
      delimiter,
      encodingType: encodingType(query),
      isTruncated: found.truncated,
      versions: ownedEntries(bucket, found.entries),
      commonPrefixes: found.commonPrefixes,
    }),
  );

  /** The null version's id does not tell its place: its row does. */
  async function markerSeq(): Promise<number> {
    const seq = versionIdMarker === 'null' ? null : seqOfVersionId(versionIdMarker);
    if (seq !== null) return seq;
    if (versionIdMarker !== 'null')
      throw invalidArgument('version-id-marker', versionIdMarker, 'Invalid version id specified');
    const version = await metadata.getVersion(bucket, keyMarker, selectorOf('null'), { withInline: false });
    // Gone meanwhile: everything of that key may have been told already, so go on behind it.
    return version?.seq ?? 0;
  }
};
