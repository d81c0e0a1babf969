import { describe, expect, it } from 'vitest';
import {
  GROUPS,
  aclFromHeaders,
  aclFromXml,
  aclToXml,
  cannedAcl,
  hasAclHeaders,
  isAllowed,
  parseAcl,
  privateAcl,
  serialiseAcl,
  storedAcl,
} from '../../../src/iam/acl.js';
import type { Acl, AclContext, AclSubject, Grant, GranteeDirectory, Permission } from '../../../src/iam/acl.js';
import type { Owner } from '../../../src/store/types.js';

const alice: Owner = { id: 'alice', displayName: 'Alice' };
const bob: Owner = { id: 'bob', displayName: 'Bob' };
const carol: Owner = { id: 'carol', displayName: 'Carol' };

const PERMISSIONS: readonly Permission[] = ['READ', 'WRITE', 'READ_ACP', 'WRITE_ACP', 'FULL_CONTROL'];

/** A small directory that counts what it is asked. */
function createDirectory(): GranteeDirectory & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    findTenant: (id) => {
      asked.push(id);
      return Promise.resolve([alice, bob, carol].find((owner) => owner.id === id) ?? null);
    },
    findByEmail: (email) => {
      asked.push(email);
      return Promise.resolve(email === 'bob@example.com' ? bob : null);
    },
    isGroup: (name) => Promise.resolve(name === 'ops'),
  };
}

function contextOf(extra: Partial<AclContext> = {}): AclContext & { directory: ReturnType<typeof createDirectory> } {
  return { owner: alice, bucketOwner: alice, target: 'bucket', directory: createDirectory(), ...extra };
}

function summary(acl: Acl | null): string[] | null {
  return (
    acl?.grants.map(
      ({ grantee, permission }) =>
        `${grantee.type === 'Group' ? (grantee.uri.split('/').pop() ?? '') : grantee.id} ${permission}`,
    ) ?? null
  );
}

function failure(code: string, message?: string): Error {
  return expect.objectContaining({ code, ...(message === undefined ? {} : { message }) }) as Error;
}

describe('cannedAcl', () => {
  it.each([
    ['private', ['alice FULL_CONTROL']],
    ['public-read', ['AllUsers READ', 'alice FULL_CONTROL']],
    ['public-read-write', ['AllUsers READ', 'AllUsers WRITE', 'alice FULL_CONTROL']],
    ['authenticated-read', ['AuthenticatedUsers READ', 'alice FULL_CONTROL']],
    ['aws-exec-read', ['alice FULL_CONTROL']],
    ['bucket-owner-read', ['alice FULL_CONTROL']],
    ['bucket-owner-full-control', ['alice FULL_CONTROL']],
    ['log-delivery-write', ['LogDelivery WRITE', 'LogDelivery READ_ACP', 'alice FULL_CONTROL']],
  ])('%s on a bucket', (name, grants) => {
    const acl = cannedAcl(name, contextOf());
    expect(acl.owner).toEqual(alice);
    expect(summary(acl)).toEqual(grants);
  });

  it('grants to the owner of the bucket on objects of others', () => {
    const context = contextOf({ target: 'object', bucketOwner: bob });
    expect(summary(cannedAcl('bucket-owner-read', context))).toEqual(['alice FULL_CONTROL', 'bob READ']);
    expect(summary(cannedAcl('bucket-owner-full-control', context))).toEqual([
      'alice FULL_CONTROL',
      'bob FULL_CONTROL',
    ]);
    const own = contextOf({ target: 'object' });
    expect(summary(cannedAcl('bucket-owner-full-control', own))).toEqual(['alice FULL_CONTROL']);
  });

  it('refuses other names, and log delivery on objects', () => {
    for (const name of ['', 'public', 'Private', 'toString'])
      expect(() => cannedAcl(name, contextOf())).toThrow(failure('InvalidArgument'));
    expect(() => cannedAcl('log-delivery-write', contextOf({ target: 'object' }))).toThrow(failure('InvalidArgument'));
  });
});

describe('aclFromHeaders', () => {
  it('answers null when there are no ACL headers', async () => {
    expect(await aclFromHeaders({ 'x-amz-date': 'x' }, contextOf())).toBeNull();
    expect(hasAclHeaders({ 'x-amz-date': 'x' })).toBe(false);
    expect(hasAclHeaders({ 'x-amz-acl': 'private' })).toBe(true);
    expect(hasAclHeaders({ 'x-amz-grant-read-acp': 'id=a' })).toBe(true);
  });

  it('reads a canned ACL', async () => {
    const acl = await aclFromHeaders({ 'x-amz-acl': 'public-read' }, contextOf());
    expect(summary(acl)).toEqual(['AllUsers READ', 'alice FULL_CONTROL']);
  });

  it('reads every grant header, without an entry for the owner', async () => {
    const context = contextOf();
    const acl = await aclFromHeaders(
      {
        'x-amz-grant-read': 'id=bob',
        'x-amz-grant-write': 'id="bob"',
        'x-amz-grant-read-acp': 'ID = "bob"',
        'x-amz-grant-write-acp': 'id=bob ',
        'x-amz-grant-full-control': 'id=bob',
      },
      context,
    );
    expect(acl?.owner).toEqual(alice);
    expect(summary(acl)).toEqual(['bob READ', 'bob WRITE', 'bob READ_ACP', 'bob WRITE_ACP', 'bob FULL_CONTROL']);
    expect(acl?.grants[0]?.grantee).toEqual({ type: 'CanonicalUser', id: 'bob', displayName: 'Bob' });
    expect(context.directory.asked).toEqual(['bob']);
  });

  it('reads lists of all kinds, groups first, repetitions once', async () => {
    const value = `id="bob", emailAddress="bob@example.com",uri="${GROUPS.allUsers}" , uri=ops,id=carol`;
    expect(summary(await aclFromHeaders({ 'x-amz-grant-read': value }, contextOf()))).toEqual([
      'AllUsers READ',
      'ops READ',
      'bob READ',
      'carol READ',
    ]);
  });

  it("reads Pithos's names of the two groups everybody is in", async () => {
    const acl = await aclFromHeaders({ 'x-amz-grant-read': 'uri=anonymous, uri=authenticated-users' }, contextOf());
    expect(summary(acl)).toEqual(['AllUsers READ', 'AuthenticatedUsers READ']);
  });

  it.each([
    [
      { 'x-amz-acl': 'private', 'x-amz-grant-read': 'id=bob' },
      'InvalidRequest',
      'Specifying both Canned ACLs and Header Grants is not allowed',
    ],
    [{ 'x-amz-acl': 'nonsense' }, 'InvalidArgument', 'Invalid Argument'],
    [{ 'x-amz-grant-read': 'id=nobody' }, 'InvalidArgument', 'Invalid id'],
    [{ 'x-amz-grant-read': 'id=' }, 'InvalidArgument', 'Invalid id'],
    [
      { 'x-amz-grant-read': 'uri="http://acs.amazonaws.com/groups/global/Nobody"' },
      'InvalidArgument',
      'Invalid group uri',
    ],
    [{ 'x-amz-grant-read': 'uri=""' }, 'InvalidArgument', 'Invalid group uri'],
    [{ 'x-amz-grant-read': 'emailAddress="x@y"' }, 'UnresolvableGrantByEmailAddress', undefined],
    [{ 'x-amz-grant-read': 'bob' }, 'InvalidArgument', 'Argument format not recognized'],
    [{ 'x-amz-grant-read': '' }, 'InvalidArgument', 'Argument format not recognized'],
    [{ 'x-amz-grant-read': 'id="bob' }, 'InvalidArgument', 'Argument format not recognized'],
    [{ 'x-amz-grant-read': 'id=bob,' }, 'InvalidArgument', 'Argument format not recognized'],
    [{ 'x-amz-grant-read': 'id="bob" id="carol"' }, 'InvalidArgument', 'Argument format not recognized'],
    [{ 'x-amz-grant-write': Array.from({ length: 101 }, () => 'id=bob').join(',') }, 'InvalidRequest', undefined],
  ])('refuses %j', async (headers, code, message) => {
    await expect(aclFromHeaders(headers, contextOf())).rejects.toThrow(failure(code, message));
  });

  it('does not take a failing directory for an unknown grantee', async () => {
    const directory = { ...createDirectory(), findTenant: () => Promise.reject(new Error('directory down')) };
    await expect(aclFromHeaders({ 'x-amz-grant-read': 'id=bob' }, { ...contextOf(), directory })).rejects.toThrow(
      'directory down',
    );
  });
});

describe('ACL documents', () => {
  const wrap = (grants: string, owner = 'alice'): string =>
    `<AccessControlPolicy><Owner><ID>${owner}</ID></Owner><AccessControlList>${grants}</AccessControlList></AccessControlPolicy>`;
  const grant = (grantee: string, permission = 'READ'): string =>
    `<Grant><Grantee>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`;

  it('round-trips, with the names the directory knows', async () => {
    const { directory } = contextOf();
    const text = wrap(grant('<ID>bob</ID><DisplayName>Mallory</DisplayName>') + grant(`<URI>${GROUPS.allUsers}</URI>`));
    const acl = await aclFromXml(text, { owner: alice, directory });
    expect(acl.grants).toEqual([
      { grantee: { type: 'Group', uri: GROUPS.allUsers }, permission: 'READ' },
      { grantee: { type: 'CanonicalUser', id: 'bob', displayName: 'Bob' }, permission: 'READ' },
    ]);
    expect(await aclFromXml(aclToXml(acl), { owner: alice, directory })).toEqual(acl);
  });

  it('turns an e-mail address into its user, and takes an empty list', async () => {
    const { directory } = contextOf();
    const email = wrap(grant('<EmailAddress>bob@example.com</EmailAddress>', 'FULL_CONTROL'));
    expect(summary(await aclFromXml(email, { owner: alice, directory }))).toEqual(['bob FULL_CONTROL']);
    expect(summary(await aclFromXml(wrap(''), { owner: alice, directory }))).toEqual([]);
  });

  it.each([
    ['<x', 'MalformedACLError'],
    [wrap('', 'bob'), 'AccessDenied'],
    [wrap(grant('<ID>_foo</ID>')), 'InvalidArgument'],
    [wrap(grant('<URI>http://nowhere</URI>')), 'InvalidArgument'],
    [wrap(grant('<EmailAddress>no@body</EmailAddress>')), 'UnresolvableGrantByEmailAddress'],
    [wrap(grant('<ID>bob</ID>').repeat(101)), 'InvalidRequest'],
  ])('refuses (%#)', async (text, code) => {
    const { directory } = contextOf();
    await expect(aclFromXml(text, { owner: alice, directory })).rejects.toThrow(failure(code));
  });

  it('takes 100 grants', async () => {
    const { directory } = contextOf();
    await expect(
      aclFromXml(wrap(grant('<ID>bob</ID>').repeat(100)), { owner: alice, directory }),
    ).resolves.toBeDefined();
  });
});

describe('isAllowed', () => {
  const anonymous: AclSubject = { tenant: null, memberOf: [] };
  const asBob: AclSubject = { tenant: 'bob', memberOf: ['ops'] };
  const aclOf = (...grants: Grant[]): Acl => ({ owner: alice, grants });
  const allowed = (acl: Acl, subject: AclSubject): readonly Permission[] =>
    PERMISSIONS.filter((permission) => isAllowed(acl, subject, permission));

  it('always lets the owner, and nobody else into a private thing', () => {
    expect(allowed(privateAcl(alice), { tenant: 'alice', memberOf: [] })).toEqual(PERMISSIONS);
    expect(allowed(aclOf(), { tenant: 'alice', memberOf: [] })).toEqual(PERMISSIONS);
    expect(allowed(privateAcl(alice), asBob)).toEqual([]);
    expect(allowed(privateAcl(alice), anonymous)).toEqual([]);
  });

  it.each(PERMISSIONS.filter((permission) => permission !== 'FULL_CONTROL'))('%s allows itself only', (permission) => {
    const acl = aclOf({ grantee: { type: 'CanonicalUser', ...bob }, permission });
    expect(allowed(acl, asBob)).toEqual([permission]);
    expect(allowed(acl, anonymous)).toEqual([]);
  });

  it('FULL_CONTROL allows everything', () => {
    expect(allowed(aclOf({ grantee: { type: 'CanonicalUser', ...bob }, permission: 'FULL_CONTROL' }), asBob)).toEqual(
      PERMISSIONS,
    );
  });

  it('knows who is in which group', () => {
    const group = (uri: string): Acl => aclOf({ grantee: { type: 'Group', uri }, permission: 'READ' });
    expect(allowed(group(GROUPS.allUsers), anonymous)).toEqual(['READ']);
    expect(allowed(group(GROUPS.authenticatedUsers), anonymous)).toEqual([]);
    expect(allowed(group(GROUPS.authenticatedUsers), asBob)).toEqual(['READ']);
    expect(allowed(group(GROUPS.logDelivery), asBob)).toEqual([]);
    expect(allowed(group('ops'), asBob)).toEqual(['READ']);
    expect(allowed(group('ops'), { tenant: 'carol', memberOf: [] })).toEqual([]);
    expect(allowed(group('ops'), { tenant: null, memberOf: ['ops'] })).toEqual([]);
  });

  it('does not take an anonymous caller for an owner or grantee of any name', () => {
    const acl: Acl = { owner: { id: 'null', displayName: '' }, grants: [] };
    expect(allowed(acl, anonymous)).toEqual([]);
    expect(
      allowed(
        aclOf({ grantee: { type: 'CanonicalUser', id: 'null', displayName: '' }, permission: 'READ' }),
        anonymous,
      ),
    ).toEqual([]);
  });
});

describe('stored ACLs', () => {
  it('are read back as written; none means private', () => {
    const acl = cannedAcl('public-read', contextOf());
    expect(parseAcl(serialiseAcl(acl))).toEqual(acl);
    expect(storedAcl(serialiseAcl(acl), bob)).toEqual(acl);
    expect(storedAcl(null, bob)).toEqual(privateAcl(bob));
  });

  it.each([
    'x',
    'null',
    '{}',
    '{"owner":{"id":"a","displayName":"A"}}',
    '{"owner":{"id":"a","displayName":"A"},"grants":[{"permission":"READ"}]}',
    '{"owner":{"id":"a","displayName":"A"},"grants":[{"permission":"ALL","grantee":{"type":"Group","uri":"x"}}]}',
    '{"owner":{"id":"a","displayName":"A"},"grants":[{"permission":"READ","grantee":{"type":"Robot","id":"x","displayName":"x"}}]}',
  ])('that are damaged are an error: %s', (text) => {
    expect(() => parseAcl(text)).toThrow();
  });
});
