/** ACLs as XML: the body of PutBucketAcl and PutObjectAcl, the answer of GetBucketAcl and GetObjectAcl. */
import { S3Error } from '../s3/errors.js';
import { accessControlPolicy, parseAccessControlPolicy } from '../s3/xml/access-control.js';
import type { Owner } from '../store/types.js';
import { granteeResolver } from './acl-grantees.js';
import type { Acl, Grant, GranteeDirectory } from './acl-model.js';
import { checkGrantCount, orderGrants } from './acl-model.js';

export interface AclDocumentContext {
  /** of the bucket or object that gets the ACL: a document cannot change it */
  readonly owner: Owner;
  readonly directory: GranteeDirectory;
  /** of the body (default 1 MiB) */
  readonly maxBytes?: number;
}

/**
 * @throws S3Error MalformedACLError; AccessDenied when the document names another owner; InvalidRequest for too many grants;
 *   InvalidArgument for an unknown id or group; UnresolvableGrantByEmailAddress
 */
export async function aclFromXml(body: Buffer | string, context: AclDocumentContext): Promise<Acl> {
  const { owner, directory, maxBytes } = context;
  const policy = parseAccessControlPolicy(body, maxBytes === undefined ? {} : { maxBytes });
  if (policy.ownerId !== owner.id) throw new S3Error('AccessDenied');
  checkGrantCount(policy.grants);
  const resolve = granteeResolver(directory, [owner]);
  const grants: Grant[] = [];
  for (const { grantee, permission } of policy.grants) grants.push({ grantee: await resolve(grantee), permission });
  return { owner, grants: orderGrants(grants) };
}

export function aclToXml(acl: Acl): string {
  return accessControlPolicy(acl);
}
