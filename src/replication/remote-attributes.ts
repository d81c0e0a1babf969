/** What an object is like, said as a request of S3. Pure. */
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { answeredMetadata } from '../s3/metadata-encoding.js';
import type { ReplicationRule } from '../s3/replication.js';
import type { ReplicationSource } from './destination.js';

const META_PREFIX = 'x-amz-meta-';

/** What the SDK would not send as it was written: Expires that is no date. */
export function remoteHeaders({ version }: Pick<ReplicationSource, 'version'>): Record<string, string> {
  const { expires } = answeredMetadata(version.headers) as Readonly<Record<string, string | undefined>>;
  return expires === undefined ? {} : { expires };
}

export function remoteAttributes(
  { version }: Pick<ReplicationSource, 'version'>,
  rule: ReplicationRule,
  nowMs: number,
): Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'> {
  const { tags, retention, legalHold, encryption } = version;
  const headers = answeredMetadata(version.headers) as Readonly<Record<string, string | undefined>>;
  const { storageClass, kmsKeyId } = rule.destination;
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith(META_PREFIX))
    .map(([name, value]) => [name.slice(META_PREFIX.length), value]);
  const redirect = headers['x-amz-website-redirect-location'];
  return {
    ContentType: headers['content-type'],
    CacheControl: headers['cache-control'],
    ContentDisposition: headers['content-disposition'],
    ContentEncoding: headers['content-encoding'],
    ContentLanguage: headers['content-language'],
    ...(redirect !== undefined && { WebsiteRedirectLocation: redirect }),
    Metadata: Object.fromEntries(metadata) as Record<string, string>,
    ...(Object.keys(tags).length > 0 && { Tagging: new URLSearchParams(tags).toString() }),
    ...(storageClass !== null && { StorageClass: storageClass as 'STANDARD' }),
    ...(retention !== null &&
      retention.untilMs > nowMs && {
        ObjectLockMode: retention.mode,
        ObjectLockRetainUntilDate: new Date(retention.untilMs),
      }),
    ...(legalHold && { ObjectLockLegalHoldStatus: 'ON' as const }),
    ...(encryption?.kind === 'SSE-S3' && { ServerSideEncryption: 'AES256' as const }),
    ...(encryption?.kind === 'SSE-KMS' && {
      ServerSideEncryption: 'aws:kms' as const,
      ...(kmsKeyId !== null && { SSEKMSKeyId: kmsKeyId }),
    }),
  };
}
