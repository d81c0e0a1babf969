/** Single objects: what is known of them, their tags, versions, locks, and deletion. */
import type { Query } from '../lib/sigv4.js';
import { el, xmlDocument } from '../lib/xml.js';
import { decodeKey } from './buckets.js';
import type { Client } from './client.js';

export interface ObjectId {
  readonly bucket: string;
  readonly key: string;
  /** null: the newest */
  readonly versionId: string | null;
}

export function versionQuery({ versionId }: Pick<ObjectId, 'versionId'>): Query {
  return versionId === null ? [] : [['versionId', versionId]];
}

export interface ObjectInfo {
  readonly sizeBytes: number;
  readonly modified: string;
  readonly etag: string;
  readonly contentType: string;
  readonly versionId: string;
  readonly storageClass: string;
  readonly encryption: string;
  /** without x-amz-meta- */
  readonly metadata: Readonly<Record<string, string>>;
  /** algorithm -> value */
  readonly checksums: Readonly<Record<string, string>>;
  /** content-encoding and its like, cache-control, expiration, restore, replication ... as they are sent */
  readonly others: Readonly<Record<string, string>>;
  readonly lock: ObjectLock;
}

export interface ObjectLock {
  readonly mode: string;
  readonly until: string;
  readonly legalHold: boolean;
}

const OTHERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
  'x-amz-expiration',
  'x-amz-restore',
  'x-amz-website-redirect-location',
];

export async function headObject(client: Client, id: ObjectId, signal?: AbortSignal): Promise<ObjectInfo> {
  const { bucket, key } = id;
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  const query = versionQuery(id);
  const options = { method: 'HEAD', bucket, key, query, headers, ...(signal === undefined ? {} : { signal }) } as const;
  const answer = (await client.s3(options)).headers;
  const get = (name: string): string => answer.get(name) ?? '';
  const named = (prefix: string): Record<string, string> =>
    Object.fromEntries(
      [...answer]
        .filter(([name]) => name.startsWith(prefix))
        .map(([name, value]) => [name.slice(prefix.length), value]),
    );
  const { type: _type, ...checksums } = named('x-amz-checksum-');
  return {
    sizeBytes: Number(get('content-length')),
    modified: get('last-modified'),
    etag: get('etag'),
    contentType: get('content-type'),
    versionId: get('x-amz-version-id'),
    storageClass: get('x-amz-storage-class') || 'STANDARD',
    encryption: get('x-amz-server-side-encryption'),
    metadata: named('x-amz-meta-'),
    checksums,
    others: Object.fromEntries(OTHERS.filter((name) => answer.has(name)).map((name) => [name, get(name)])),
    lock: {
      mode: get('x-amz-object-lock-mode'),
      until: get('x-amz-object-lock-retain-until-date'),
      legalHold: get('x-amz-object-lock-legal-hold') === 'ON',
    },
  };
}

export type Tags = readonly (readonly [key: string, value: string])[];

export async function getTags(client: Client, bucket: string, id: Omit<ObjectId, 'bucket'> | null): Promise<Tags> {
  const key = id?.key ?? null;
  const query: Query = [['tagging', ''], ...(id === null ? [] : versionQuery(id))];
  const xml = await client.optionalXml({ bucket, key, query }, /^NoSuchTagSet$/);
  return (xml?.at('TagSet').all('Tag') ?? []).map((tag) => [tag.text('Key'), tag.text('Value')]);
}

export async function putTags(
  client: Client,
  bucket: string,
  id: Omit<ObjectId, 'bucket'> | null,
  tags: Tags,
): Promise<void> {
  const key = id?.key ?? null;
  const query: Query = [['tagging', ''], ...(id === null ? [] : versionQuery(id))];
  if (tags.length === 0) {
    await client.send({ method: 'DELETE', bucket, key, query });
    return;
  }
  const set = tags.map(([name, value]) => el('Tag', [el('Key', name), el('Value', value)]));
  await client.send({ method: 'PUT', bucket, key, query, body: xmlDocument('Tagging', el('TagSet', set)) });
}

/** Replaces the user metadata and content type: a copy of the object onto itself, which makes a new version of it. */
export async function replaceMetadata(
  client: Client,
  { bucket, key }: Omit<ObjectId, 'versionId'>,
  options: { readonly contentType: string; readonly metadata: Readonly<Record<string, string>> },
): Promise<void> {
  const metadata = Object.entries(options.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value] as const);
  await client.xml({
    method: 'PUT',
    bucket,
    key,
    headers: {
      'x-amz-copy-source': encodeURI(`/${bucket}/`) + encodeURIComponent(key),
      'x-amz-metadata-directive': 'REPLACE',
      ...(options.contentType === '' ? {} : { 'content-type': options.contentType }),
      ...Object.fromEntries(metadata),
    },
  });
}

/** Makes an old version the newest again, by a copy. */
export async function restoreVersion(client: Client, id: ObjectId & { readonly versionId: string }): Promise<void> {
  const source = `/${id.bucket}/${encodeURIComponent(id.key)}?versionId=${encodeURIComponent(id.versionId)}`;
  await client.xml({ method: 'PUT', bucket: id.bucket, key: id.key, headers: { 'x-amz-copy-source': source } });
}

export async function putLegalHold(client: Client, id: ObjectId, on: boolean): Promise<void> {
  const body = xmlDocument('LegalHold', el('Status', on ? 'ON' : 'OFF'));
  const query: Query = [['legal-hold', ''], ...versionQuery(id)];
  await client.send({ method: 'PUT', bucket: id.bucket, key: id.key, query, body });
}

/** @param until ISO 8601 */
export async function putRetention(client: Client, id: ObjectId, mode: string, until: string): Promise<void> {
  const body = xmlDocument('Retention', [el('Mode', mode), el('RetainUntilDate', until)]);
  const query: Query = [['retention', ''], ...versionQuery(id)];
  await client.send({ method: 'PUT', bucket: id.bucket, key: id.key, query, body });
}

export interface VersionEntry {
  readonly key: string;
  readonly versionId: string;
  readonly latest: boolean;
  readonly deleteMarker: boolean;
  readonly modified: string;
  readonly sizeBytes: number;
}

export interface VersionPage {
  readonly versions: readonly VersionEntry[];
  readonly next: { readonly key: string; readonly versionId: string } | null;
}

export async function listVersions(
  client: Client,
  options: {
    readonly bucket: string;
    readonly prefix: string;
    readonly after: VersionPage['next'];
    /** of the folder itself, not of those below it */
    readonly folder?: boolean;
  },
): Promise<VersionPage> {
  const { bucket, prefix, after, folder = false } = options;
  const query: Query = [
    ['versions', ''],
    ['encoding-type', 'url'],
    ['prefix', prefix],
    ...(folder ? ([['delimiter', '/']] as const) : []),
    ...(after === null
      ? []
      : ([
          ['key-marker', after.key],
          ['version-id-marker', after.versionId],
        ] as const)),
  ];
  const page = await client.xml({ bucket, query });
  const versions = page
    .all()
    .filter(({ name }) => name === 'Version' || name === 'DeleteMarker')
    .map((one) => ({
      key: decodeKey(one.text('Key')),
      versionId: one.text('VersionId'),
      latest: one.text('IsLatest') === 'true',
      deleteMarker: one.name === 'DeleteMarker',
      modified: one.text('LastModified'),
      sizeBytes: one.number('Size'),
    }));
  const more = page.text('IsTruncated') === 'true';
  return {
    versions,
    next: more ? { key: decodeKey(page.text('NextKeyMarker')), versionId: page.text('NextVersionIdMarker') } : null,
  };
}

/** All versions of one key, newest first. */
export async function listVersionsOf(client: Client, bucket: string, key: string): Promise<VersionEntry[]> {
  const found: VersionEntry[] = [];
  let after: VersionPage['next'] = null;
  do {
    const page: VersionPage = await listVersions(client, { bucket, prefix: key, after });
    const own = page.versions.filter((version) => version.key === key);
    found.push(...own);
    // A key comes before all those that it begins.
    after = own.length === page.versions.length ? page.next : null;
  } while (after !== null);
  return found;
}

/** Keys of a folder whose newest version is a delete marker. */
export async function listDeleted(client: Client, bucket: string, prefix: string): Promise<VersionEntry[]> {
  const found: VersionEntry[] = [];
  let after: VersionPage['next'] = null;
  do {
    const page: VersionPage = await listVersions(client, { bucket, prefix, after, folder: true });
    found.push(...page.versions.filter(({ latest, deleteMarker }) => latest && deleteMarker));
    after = found.length < MAX_DELETED ? page.next : null;
  } while (after !== null);
  return found;
}

const MAX_DELETED = 1000;

export async function deleteObject(client: Client, id: ObjectId): Promise<void> {
  await client.send({ method: 'DELETE', bucket: id.bucket, key: id.key, query: versionQuery(id) });
}

export interface Undeleted {
  readonly key: string;
  readonly code: string;
  readonly message: string;
}

/** DeleteObjects. @param ids at most 1,000 @returns those that are still there */
export async function deleteObjects(
  client: Client,
  bucket: string,
  ids: readonly { readonly key: string; readonly versionId: string | null }[],
): Promise<Undeleted[]> {
  const objects = ids.map(({ key, versionId }) => el('Object', [el('Key', key), el('VersionId', versionId)]));
  const body = xmlDocument('Delete', [el('Quiet', true), ...objects]);
  const answer = await client.xml({ method: 'POST', bucket, query: [['delete', '']], body });
  return answer
    .all('Error')
    .map((one) => ({ key: one.text('Key'), code: one.text('Code'), message: one.text('Message') }));
}
