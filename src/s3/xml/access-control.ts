/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_AccessControlPolicy.html. What the elements mean (who exists, what an
 * owner may change) is up to src/iam/acl-document.ts.
 */
import type { Owner } from '../../store/types.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { ownerElement } from './fragments.js';
import { parseXml } from './parse.js';
import type { XmlNode } from './parse.js';

export const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const;

export type Permission = (typeof PERMISSIONS)[number];

export type ListedGrantee =
  | { readonly type: 'CanonicalUser'; readonly id: string; readonly displayName?: string }
  | { readonly type: 'AmazonCustomerByEmail'; readonly emailAddress: string }
  | { readonly type: 'Group'; readonly uri: string };

export interface ListedGrant {
  readonly grantee: ListedGrantee;
  readonly permission: Permission;
}

export interface AccessControlPolicy {
  readonly ownerId: string;
  readonly grants: readonly ListedGrant[];
}

const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

/** @throws S3Error MalformedACLError */
export function parseAccessControlPolicy(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): AccessControlPolicy {
  const root = parseXml(body, { root: 'AccessControlPolicy', code: 'MalformedACLError', ...limits });
  root.allowOnly('Owner', 'AccessControlList');
  const owner = root.requiredChild('Owner');
  owner.allowOnly('ID', 'DisplayName');
  const list = root.requiredChild('AccessControlList');
  list.allowOnly('Grant');
  return { ownerId: owner.requiredText('ID').trim(), grants: list.elements.map(readGrant) };
}

/** A Grant element, here and in TargetGrants of access logging. @throws what the document's parser throws */
export function readGrant(grant: XmlNode): ListedGrant {
  grant.allowOnly('Grantee', 'Permission');
  const permission = grant.choice('Permission', PERMISSIONS);
  if (permission === undefined) throw grant.fault('Grant needs a Permission');
  return { grantee: readGrantee(grant.requiredChild('Grantee')), permission };
}

/** xsi:type decides; without it (Pithos took such documents) the one identifying element does. */
function readGrantee(grantee: XmlNode): ListedGrantee {
  grantee.allowOnly('ID', 'DisplayName', 'URI', 'EmailAddress');
  const type = grantee.attribute('type')?.replace(/^.*:/, '') ?? impliedType(grantee);
  switch (type) {
    case 'CanonicalUser': {
      const displayName = grantee.text('DisplayName');
      const id = grantee.requiredText('ID').trim();
      return { type, id, ...(displayName === undefined ? {} : { displayName }) };
    }
    case 'Group':
      return { type, uri: grantee.requiredText('URI').trim() };
    case 'AmazonCustomerByEmail':
      return { type, emailAddress: grantee.requiredText('EmailAddress').trim() };
    default:
      throw grantee.fault('Grantee needs an xsi:type of CanonicalUser, Group or AmazonCustomerByEmail');
  }
}

function impliedType(grantee: XmlNode): ListedGrantee['type'] | undefined {
  const implied = (['ID', 'URI', 'EmailAddress'] as const).filter((name) => grantee.child(name) !== undefined);
  if (implied.length !== 1) return undefined;
  return implied[0] === 'ID' ? 'CanonicalUser' : implied[0] === 'URI' ? 'Group' : 'AmazonCustomerByEmail';
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export function accessControlPolicy(policy: {
  readonly owner: Owner;
  readonly grants: readonly ListedGrant[];
}): string {
  const grants = policy.grants.map(grantElement);
  return xmlDocument(
    'AccessControlPolicy',
    ownerElement('Owner', policy.owner) + parent('AccessControlList', grants.join('')),
  );
}

export function grantElement({ grantee, permission }: ListedGrant): string {
  return parent(
    'Grant',
    `<Grantee ${XSI} xsi:type="${grantee.type}">${granteeElements(grantee)}</Grantee>` +
      element('Permission', permission),
  );
}

function granteeElements(grantee: ListedGrantee): string {
  switch (grantee.type) {
    case 'CanonicalUser':
      return element('ID', grantee.id) + optional('DisplayName', grantee.displayName);
    case 'Group':
      return element('URI', grantee.uri);
    case 'AmazonCustomerByEmail':
      return element('EmailAddress', grantee.emailAddress);
  }
}
