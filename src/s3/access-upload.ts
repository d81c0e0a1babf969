/**
 * Parts and completions of a multipart upload need s3:PutObject like the upload's creation, but the headers that policies ask
 * about came with the creation alone. Their values are read back from the upload, so that a policy that lets an upload begin
 * lets it go on.
 */
import { cannedAcl, parseAcl, serialiseAcl } from '../iam/acl.js';
import type { Acl } from '../iam/acl.js';
import type { BucketRecord, UploadRecord } from '../store/types.js';
import type { ExtraKeys } from './access-conditions.js';
import { requestTagKeys } from './access-conditions.js';

export const PART_OPERATIONS: ReadonlySet<string> = new Set([
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
]);

const CREATION_KEYS =
  /^s3:(x-amz-(acl|grant-|server-side-encryption|storage-class|website-redirect)|requestobjecttag|object-lock-)/;

/** Whether a policy that names these keys asks about what only the creation says. */
export function asksAboutCreation(keys: ReadonlySet<string>): boolean {
  return [...keys].some((key) => CREATION_KEYS.test(key));
}

export function creationKeys(upload: UploadRecord, bucket: BucketRecord): ExtraKeys {
  const keys = new Map(requestTagKeys(upload.tags));
  const set = (key: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined) keys.set(`s3:${key}`, [value]);
  };
  const { encryption, retention } = upload;
  if (encryption?.kind === 'SSE-C') set('x-amz-server-side-encryption-customer-algorithm', 'AES256');
  else if (encryption !== null) {
    set('x-amz-server-side-encryption', encryption.kind === 'SSE-S3' ? 'AES256' : 'aws:kms');
    if (encryption.kind === 'SSE-KMS') set('x-amz-server-side-encryption-aws-kms-key-id', encryption.keyId);
  }
  if (upload.storageClass !== 'STANDARD') set('x-amz-storage-class', upload.storageClass);
  set('x-amz-website-redirect-location', upload.headers['x-amz-website-redirect-location']);
  set('object-lock-mode', retention?.mode);
  set('object-lock-retain-until-date', retention === null ? null : new Date(retention.untilMs).toISOString());
  if (upload.legalHold) set('object-lock-legal-hold', 'ON');
  for (const [header, value] of aclHeaders(upload, bucket)) set(header, value);
  return keys;
}

/** Several canned ACLs may come to the same: the first that does stands for them. */
const CANNED = [
  'bucket-owner-full-control',
  'bucket-owner-read',
  'public-read-write',
  'public-read',
  'authenticated-read',
  'private',
] as const;

function aclHeaders(upload: UploadRecord, bucket: BucketRecord): ReadonlyMap<string, string> {
  if (upload.acl === null) return new Map();
  const context = { owner: upload.owner, bucketOwner: bucket.owner, target: 'object' } as const;
  const canned = CANNED.find((name) => serialiseAcl(cannedAcl(name, context)) === upload.acl);
  return canned === undefined ? grantHeaders(parseAcl(upload.acl)) : new Map([['x-amz-acl', canned]]);
}

function grantHeaders({ grants }: Acl): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const { grantee, permission } of grants) {
    const name = `x-amz-grant-${permission.toLowerCase().replace('_', '-')}`;
    const value = grantee.type === 'Group' ? `uri=${grantee.uri}` : `id=${grantee.id}`;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}
