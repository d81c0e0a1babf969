/**
 * ACLs and CORS rules of the original Pithos -> those of this one. What has no counterpart is left out and said; what would open
 * more than the original did is said too. Pure.
 */
import type { Acl, Grant, Grantee, Permission } from '../iam/acl-model.js';
import { GROUPS, MAX_GRANTS, orderGrants } from '../iam/acl-model.js';
import type { CorsRule } from '../s3/cors.js';
import { checkCorsRules } from '../s3/cors.js';
import { PERMISSIONS } from '../s3/xml/access-control.js';
import type { Owner } from '../store/types.js';
import type { Edn, EdnMap } from './edn.js';
import { isKeyword, isMap, nameOf, parseEdn } from './edn.js';

export interface Translated<T> {
  /** null: there is none, the default holds */
  readonly value: T | null;
  /** what of it could not be kept as it was */
  readonly notes: readonly string[];
}

const NOTHING = { value: null, notes: [] };

/** What the original calls groups in its ACLs. */
const ORIGINAL_GROUPS: ReadonlyMap<string, string> = new Map([
  ['anonymous', GROUPS.allUsers],
  ['authenticated-users', GROUPS.authenticatedUsers],
  ['authenticated', GROUPS.authenticatedUsers],
]);

export interface AclOptions {
  /** of the bucket or object */
  readonly owner: Owner;
  /** the name to show for a tenant */
  readonly displayNameOf: (tenant: string) => string;
}

/** `{:FULL_CONTROL [{:ID "tenant", :DisplayName "tenant"}], :READ [{:URI "anonymous"}]}`; an unreadable one: private, with a note. */
export function translateAcl(text: string | null, { owner, displayNameOf }: AclOptions): Translated<Acl> {
  if (text === null || text === '') return NOTHING;
  const notes: string[] = [];
  const grants: Grant[] = [];
  const permissions = mapIn(text, notes, 'ACL');
  for (const [permission, grantees] of permissions ?? []) {
    if (!isPermission(permission) || !Array.isArray(grantees)) {
      notes.push(`the ACL's grant of ${permission} is not known: left out`);
      continue;
    }
    for (const one of grantees as readonly Edn[]) {
      const grantee = isMap(one) ? granteeOf(one, displayNameOf) : null;
      if (grantee === null) notes.push(`the ACL grants ${permission} to nobody that can be told: left out`);
      else grants.push({ grantee, permission });
      if (isMap(one) && one.entries.get('URI') === 'authenticated')
        notes.push(
          `the ACL grants ${permission} to 'authenticated', which was nobody: now all who sign their requests, as the canned ACL means`,
        );
    }
  }
  if (permissions === null) return { value: null, notes };
  const ordered = orderGrants(grants);
  if (ordered.length > MAX_GRANTS) notes.push(`the ACL has ${ordered.length} grants, more than can be set anew`);
  return { value: { owner, grants: ordered }, notes };
}

function isPermission(name: string): name is Permission {
  return (PERMISSIONS as readonly string[]).includes(name);
}

function granteeOf({ entries }: EdnMap, displayNameOf: (tenant: string) => string): Grantee | null {
  const uri = nameOf(entries.get('URI'));
  if (uri !== null) return { type: 'Group', uri: ORIGINAL_GROUPS.get(uri) ?? uri };
  const id = entries.get('ID') ?? null;
  // Whoever wrote without a signature into a bucket that all may write to was granted its object as :anonymous, no tenant's name.
  if (isKeyword(id)) return id.keyword === 'anonymous' ? { type: 'Group', uri: GROUPS.allUsers } : null;
  return typeof id === 'string' && id !== '' ? { type: 'CanonicalUser', id, displayName: displayNameOf(id) } : null;
}

/** `[{:origins ["*"], :methods [:get], :headers [], :exposed [], :max-age "3000"}]`; an unreadable one: none, with a note. */
export function translateCors(text: string | null): Translated<readonly CorsRule[]> {
  if (text === null || text === '') return NOTHING;
  const notes: string[] = [];
  let listed: Edn;
  try {
    listed = parseEdn(text);
  } catch (error) {
    return { value: null, notes: [`the CORS rules cannot be read (${messageOf(error)}): left out`] };
  }
  if (listed === null || (Array.isArray(listed) && listed.length === 0)) return NOTHING;
  const rules: CorsRule[] = [];
  for (const one of Array.isArray(listed) ? (listed as readonly Edn[]) : [listed]) {
    const rule = isMap(one) ? ruleOf(one.entries) : null;
    try {
      if (rule === null) throw new Error('no rule');
      checkCorsRules([rule]);
      rules.push(rule);
    } catch (error) {
      notes.push(`a CORS rule is not one of S3's (${messageOf(error)}): left out`);
    }
  }
  return { value: rules.length === 0 ? null : rules, notes };
}

function ruleOf(entries: ReadonlyMap<string, Edn>): CorsRule {
  const maxAge = entries.get('max-age') ?? null;
  const seconds = typeof maxAge === 'string' && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : maxAge;
  return {
    allowedOrigins: names(entries.get('origins')),
    allowedMethods: names(entries.get('methods')).map((method) => method.toUpperCase()),
    allowedHeaders: names(entries.get('headers')),
    exposeHeaders: names(entries.get('exposed')),
    ...(typeof seconds === 'number' ? { maxAgeSeconds: seconds } : {}),
  };
}

function names(value: Edn | undefined): string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Edn[]).map((one) => nameOf(one)).filter((name) => name !== null);
}

/** null: unreadable, and the note says so; an empty map for the nil that an ACL without grants is printed as. */
function mapIn(text: string, notes: string[], what: string): ReadonlyMap<string, Edn> | null {
  try {
    const value = parseEdn(text);
    if (value === null) return new Map();
    if (isMap(value)) return value.entries;
    notes.push(`the ${what} is no map: private to its owner`);
  } catch (error) {
    notes.push(`the ${what} cannot be read (${messageOf(error)}): private to its owner`);
  }
  return null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
