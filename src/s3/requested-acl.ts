/** The ACL of a PutBucketAcl or PutObjectAcl request: headers (canned or grants), else the XML document. */
import { aclFromXml } from '../iam/acl-document.js';
import { aclFromHeaders } from '../iam/acl-headers.js';
import { serialiseAcl } from '../iam/acl.js';
import type { Acl } from '../iam/acl.js';
import type { BucketRecord, Owner } from '../store/types.js';
import { aclsDisabled, checkPublicAcl } from './bucket-security.js';
import type { OperationContext } from './context.js';
import { S3Error } from './errors.js';
import { xmlBody } from './xml-body.js';

/**
 * Serialised for storage.
 * @throws S3Error AccessControlListNotSupported, AccessDenied for a public ACL where those are blocked, MalformedACLError and
 * what the ACL's own checks throw
 */
export async function requestedAcl(
  context: OperationContext,
  subject: { readonly owner: Owner; readonly target: 'bucket' | 'object' },
): Promise<string> {
  const { bucket, services } = context;
  const { directory } = services;
  const { owner, target } = subject;
  if (aclsDisabled(bucket)) throw new S3Error('AccessControlListNotSupported');
  const fromHeaders = await aclFromHeaders(context.request.headers, {
    owner,
    bucketOwner: bucket.owner,
    target,
    directory,
  });
  const body = await xmlBody(context, { required: false });
  if (fromHeaders !== null) {
    if (body.length > 0) throw new S3Error('UnexpectedContent');
    return checked(bucket, fromHeaders);
  }
  if (body.length === 0)
    throw new S3Error('MissingSecurityHeader', {
      message: 'Your request was missing a required header',
      detail: { MissingHeaderName: 'x-amz-acl' },
    });
  return checked(bucket, await aclFromXml(body, { owner, directory }));
}

function checked(bucket: BucketRecord, acl: Acl): string {
  checkPublicAcl(bucket, acl);
  return serialiseAcl(acl);
}
