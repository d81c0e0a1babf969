/** Buckets, and what is in them. */
import type { Query } from '../lib/sigv4.js';
import { el, xmlDocument } from '../lib/xml.js';
import type { Client } from './client.js';

export interface Bucket {
  readonly name: string;
  /** ISO 8601 */
  readonly created: string;
  readonly region: string;
}

export async function listBuckets(client: Client, signal?: AbortSignal): Promise<Bucket[]> {
  const buckets: Bucket[] = [];
  let token = '';
  do {
    const query: Query = [['max-buckets', '1000'], ...(token === '' ? [] : ([['continuation-token', token]] as const))];
    const page = await client.xml({ query, ...(signal === undefined ? {} : { signal }) });
    for (const bucket of page.at('Buckets').all('Bucket')) {
      const region = bucket.text('BucketRegion');
      buckets.push({ name: bucket.text('Name'), created: bucket.text('CreationDate'), region });
    }
    token = page.text('ContinuationToken');
  } while (token !== '');
  return buckets;
}

export interface NewBucket {
  readonly name: string;
  readonly region: string;
  readonly versioning: boolean;
  /** implies versioning */
  readonly objectLock: boolean;
}

/** When versioning could not be switched on the bucket is there nevertheless, and the error says so. */
export async function createBucket(client: Client, { name, region, versioning, objectLock }: NewBucket): Promise<void> {
  const constraint = region === '' || region === 'us-east-1' ? undefined : region;
  await client.send({
    method: 'PUT',
    bucket: name,
    headers: objectLock ? { 'x-amz-bucket-object-lock-enabled': 'true' } : {},
    ...(constraint === undefined
      ? {}
      : { body: xmlDocument('CreateBucketConfiguration', el('LocationConstraint', constraint)) }),
  });
  if (versioning && !objectLock) await putVersioning(client, name, true);
}

export async function putVersioning(client: Client, bucket: string, enabled: boolean): Promise<void> {
  const body = xmlDocument('VersioningConfiguration', el('Status', enabled ? 'Enabled' : 'Suspended'));
  await client.send({ method: 'PUT', bucket, query: [['versioning', '']], body });
}

export type Versioning = 'Enabled' | 'Suspended' | 'Off';

export async function getVersioning(client: Client, bucket: string): Promise<Versioning> {
  const status = (await client.xml({ bucket, query: [['versioning', '']] })).text('Status');
  return status === 'Enabled' || status === 'Suspended' ? status : 'Off';
}

export async function deleteBucket(client: Client, bucket: string): Promise<void> {
  await client.send({ method: 'DELETE', bucket });
}

export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modified: string;
  readonly etag: string;
  readonly storageClass: string;
}

export interface ObjectPage {
  /** prefixes up to the next '/' */
  readonly folders: readonly string[];
  readonly objects: readonly ObjectEntry[];
  /** null: the last page */
  readonly next: string | null;
}

export const PAGE_KEYS = 1000;

/** A page of a folder, at most 1,000 entries. Keys come url-encoded: XML cannot hold all of them. */
export async function listObjects(
  client: Client,
  options: {
    readonly bucket: string;
    readonly prefix: string;
    readonly token: string | null;
    /** everything below the prefix, not folder by folder */
    readonly flat?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<ObjectPage> {
  const { bucket, prefix, token, flat = false, signal } = options;
  const query: Query = [
    ['list-type', '2'],
    ['encoding-type', 'url'],
    ['max-keys', String(PAGE_KEYS)],
    ['prefix', prefix],
    ...(flat ? [] : ([['delimiter', '/']] as const)),
    ...(token === null ? [] : ([['continuation-token', token]] as const)),
  ];
  const page = await client.xml({ bucket, query, ...(signal === undefined ? {} : { signal }) });
  return {
    folders: page.all('CommonPrefixes').map((one) => decodeKey(one.text('Prefix'))),
    objects: page.all('Contents').map((one) => ({
      key: decodeKey(one.text('Key')),
      sizeBytes: one.number('Size'),
      modified: one.text('LastModified'),
      etag: one.text('ETag'),
      storageClass: one.text('StorageClass'),
    })),
    next: page.text('IsTruncated') === 'true' ? page.text('NextContinuationToken') : null,
  };
}

/** Listings with encoding-type=url write a space as '+'. */
export function decodeKey(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
