/**
 * The keystore of the configuration file: access keys, the tenants they stand for, and the directory of those tenants that
 * ACL grants are checked against. Behind it come the keys and sessions that the identity service made.
 */
import type { Credential } from '../auth/types.js';
import type { Owner } from '../store/types.js';
import type { GranteeDirectory } from './acl.js';

export interface KeyEntry {
  readonly tenant: string;
  readonly secret: string;
  readonly master: boolean;
  readonly memberof: readonly string[];
  readonly displayName?: string;
  readonly email?: string;
}

/** Looks up who an access key is. A lookup that cannot be answered throws; null means there is no such key. */
export interface KeyStore {
  /** sessionToken: of temporary credentials, which are found by it. */
  get(accessKey: string, sessionToken?: string): Promise<Credential | null> | Credential | null;
  readonly directory: GranteeDirectory;
}

export function configKeyStore(keys: Readonly<Record<string, KeyEntry>>): KeyStore {
  const credentials = new Map<string, Credential>();
  const tenants = new Map<string, Owner>();
  const emails = new Map<string, Owner>();
  const groups = new Set<string>();
  for (const [accessKey, entry] of Object.entries(keys)) {
    const owner: Owner = { id: entry.tenant, displayName: entry.displayName ?? entry.tenant };
    credentials.set(accessKey, {
      accessKey,
      secret: entry.secret,
      tenant: entry.tenant,
      master: entry.master,
      memberOf: entry.memberof,
      displayName: owner.displayName,
      ...(entry.email === undefined ? {} : { email: entry.email }),
    });
    for (const group of entry.memberof) groups.add(group);
    tenants.set(owner.id, owner);
    // In Pithos an e-mail address in a grant is a tenant's name.
    emails.set(entry.tenant.toLowerCase(), owner);
    if (entry.email !== undefined) emails.set(entry.email.toLowerCase(), owner);
  }
  return {
    get: (accessKey) => credentials.get(accessKey) ?? null,
    directory: {
      findTenant: async (id) => tenants.get(id) ?? null,
      findByEmail: async (email) => emails.get(email.toLowerCase()) ?? null,
      isGroup: async (name) => groups.has(name),
    },
  };
}

/** The configuration's keys, which are the roots of their tenants, before those of the identity service. */
export function chainedKeyStore(
  configured: KeyStore,
  issued: (accessKey: string, sessionToken: string | undefined) => Promise<Credential | null> | Credential | null,
): KeyStore {
  return {
    get: (accessKey, sessionToken) => configured.get(accessKey) ?? issued(accessKey, sessionToken),
    directory: configured.directory,
  };
}

/** The configuration's keys as they are now. */
export interface ReloadableKeyStore extends KeyStore {
  /** In place of those that were. */
  replace(keys: Readonly<Record<string, KeyEntry>>): void;
}

export function reloadableKeyStore(keys: Readonly<Record<string, KeyEntry>>): ReloadableKeyStore {
  let current = configKeyStore(keys);
  return {
    get: (accessKey, sessionToken) => current.get(accessKey, sessionToken),
    directory: {
      findTenant: (id) => current.directory.findTenant(id),
      findByEmail: (email) => current.directory.findByEmail(email),
      isGroup: (name) => current.directory.isGroup(name),
    },
    replace: (next) => {
      current = configKeyStore(next);
    },
  };
}
