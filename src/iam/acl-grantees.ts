/** Turns the grantees that requests name (an id, an e-mail address, a group's URI) into grantees that exist. */
import { S3Error, invalidArgument } from '../s3/errors.js';
import type { ListedGrantee } from '../s3/xml/access-control.js';
import type { Owner } from '../store/types.js';
import type { Grantee, GranteeDirectory } from './acl-model.js';
import { GROUPS } from './acl-model.js';

const AWS_GROUPS: ReadonlySet<string> = new Set(Object.values(GROUPS));

/** Names that Pithos gave two of the groups; everybody is a member, so they are read as AWS's. */
const PITHOS_GROUPS: ReadonlyMap<string, string> = new Map([
  ['anonymous', GROUPS.allUsers],
  ['authenticated-users', GROUPS.authenticatedUsers],
]);

/**
 * A function that resolves grantees, asking the directory once for each. known: owners that need no look-up.
 * @throws S3Error (from the function) InvalidArgument for an unknown id or group, UnresolvableGrantByEmailAddress
 */
export function granteeResolver(
  directory: GranteeDirectory,
  known: readonly Owner[],
): (listed: ListedGrantee) => Promise<Grantee> {
  const users = new Map<string, Promise<Owner | null>>(known.map((owner) => [owner.id, Promise.resolve(owner)]));
  const emails = new Map<string, Promise<Owner | null>>();
  const groups = new Map<string, Promise<boolean>>();
  return async (listed) => {
    switch (listed.type) {
      case 'CanonicalUser': {
        const owner = await once(users, listed.id, (id) => directory.findTenant(id));
        if (!owner) throw invalidArgument('CanonicalUser/ID', listed.id, 'Invalid id');
        return canonicalUser(owner);
      }
      case 'AmazonCustomerByEmail': {
        const owner = await once(emails, listed.emailAddress, (email) => directory.findByEmail(email));
        if (!owner)
          throw new S3Error('UnresolvableGrantByEmailAddress', { detail: { EmailAddress: listed.emailAddress } });
        return canonicalUser(owner);
      }
      case 'Group': {
        const uri = PITHOS_GROUPS.get(listed.uri) ?? listed.uri;
        const exists =
          AWS_GROUPS.has(uri) || (uri !== '' && (await once(groups, uri, (name) => directory.isGroup(name))));
        if (!exists) throw invalidArgument('Group/URI', listed.uri, 'Invalid group uri');
        return { type: 'Group', uri };
      }
    }
  };
}

function canonicalUser(owner: Owner): Grantee {
  return { type: 'CanonicalUser', id: owner.id, displayName: owner.displayName };
}

function once<Value>(
  asked: Map<string, Promise<Value>>,
  key: string,
  ask: (key: string) => Promise<Value>,
): Promise<Value> {
  const before = asked.get(key);
  if (before) return before;
  const answer = ask(key);
  asked.set(key, answer);
  return answer;
}
