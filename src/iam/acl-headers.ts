/** ACLs in request headers: x-amz-acl and x-amz-grant-*. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
import { S3Error, invalidArgument } from '../s3/errors.js';
import type { ListedGrantee } from '../s3/xml/access-control.js';
import { granteeResolver } from './acl-grantees.js';
import type { Acl, AclContext, Grant, GranteeDirectory, Permission } from './acl-model.js';
import { cannedAcl, checkGrantCount, orderGrants } from './acl-model.js';

const GRANT_HEADERS: readonly (readonly [string, Permission])[] = [
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
];

/** lower-case name -> value */
type Headers = Readonly<Record<string, string | undefined>>;

/** Whether the request has any ACL header. */
export function hasAclHeaders(headers: Headers): boolean {
  return headers['x-amz-acl'] !== undefined || GRANT_HEADERS.some(([name]) => headers[name] !== undefined);
}

/**
 * The ACL that the headers ask for; null when there are none. Grant headers are the whole ACL: the owner gets no entry
 * of its own.
 * @throws S3Error InvalidRequest for canned ACL and grants together or too many grants; InvalidArgument for an unknown canned
 *   ACL, grantee or form; UnresolvableGrantByEmailAddress
 */
export async function aclFromHeaders(
  headers: Headers,
  context: AclContext & { readonly directory: GranteeDirectory },
): Promise<Acl | null> {
  const listed = GRANT_HEADERS.flatMap(([name, permission]) => {
    const value = headers[name];
    return value === undefined ? [] : readGrantees(name, value).map((grantee) => ({ grantee, permission }));
  });
  const canned = headers['x-amz-acl'];
  if (canned !== undefined) {
    if (listed.length > 0)
      throw new S3Error('InvalidRequest', {
        message: 'Specifying both Canned ACLs and Header Grants is not allowed',
      });
    return cannedAcl(canned, context);
  }
  if (listed.length === 0) return null;
  checkGrantCount(listed);
  const { owner, bucketOwner, directory } = context;
  const resolve = granteeResolver(directory, [owner, bucketOwner]);
  const grants: Grant[] = [];
  for (const { grantee, permission } of listed) grants.push({ grantee: await resolve(grantee), permission });
  return { owner, grants: orderGrants(grants) };
}

const GRANTEE = /\s*(id|uri|emailaddress)\s*=\s*(?:"([^"]*)"\s*|([^",]*))(,|$)/iy;

/** 'id="a", uri=b' -> grantees */
function readGrantees(header: string, value: string): readonly ListedGrantee[] {
  const grantees: ListedGrantee[] = [];
  GRANTEE.lastIndex = 0;
  for (;;) {
    const match = GRANTEE.exec(value);
    if (!match) throw invalidArgument(header, value, 'Argument format not recognized');
    const [, kind = '', quoted, bare = '', separator] = match;
    grantees.push(grantee(kind.toLowerCase(), (quoted ?? bare).trim()));
    if (separator !== ',') return grantees;
  }
}

function grantee(kind: string, name: string): ListedGrantee {
  if (kind === 'id') return { type: 'CanonicalUser', id: name };
  if (kind === 'uri') return { type: 'Group', uri: name };
  return { type: 'AmazonCustomerByEmail', emailAddress: name };
}
