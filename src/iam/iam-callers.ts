/** Builds callers from documents: a user with what its groups give it, a role's session, with their policies parsed. */
import type { Caller, IdentityPolicies } from './iam-caller.js';
import { managedPolicy } from './iam-managed-policies.js';
import { assumedRoleArn, entityArn, federatedUserArn, parseEntityArn, rootArn } from './iam-names.js';
import type { AccountReader, Entity, RoleDocument, Tags, UserDocument } from './iam-store.js';
import type { Policy } from './policy-model.js';
import { parsePolicy } from './policy-parse.js';

/** Policies that a session was given when it was made. */
export interface SessionPolicies {
  /** JSON texts */
  readonly inline: readonly string[];
  /** ARNs of managed policies */
  readonly arns: readonly string[];
}

export interface SessionFacts {
  /** ms since the epoch */
  readonly issuedAtMs: number;
  /** Condition keys that came with the session (aws:PrincipalTag/..., aws:FederatedProvider), lower case. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** null: the session has no policies of its own */
  readonly policies: SessionPolicies | null;
}

export function userArn(account: string, user: Pick<Entity, 'path' | 'name'>): string {
  return entityArn(account, 'user', user);
}

/** A user; session: of GetSessionToken, null with the user's own keys. */
export async function userCaller(
  reader: AccountReader,
  user: UserDocument,
  session: SessionFacts | null = null,
): Promise<Caller> {
  const { account } = reader;
  const arn = userArn(account, user);
  const groups = await Promise.all(user.groups.map((id) => reader.get('group', id)));
  const entities: Entity[] = [user, ...groups.filter((group) => group !== null)];
  return {
    principal: { type: 'User', account, names: [arn], id: user.id, userName: user.name, actsForUsers: false },
    arn,
    policies: {
      own: (await Promise.all(entities.map((entity) => policiesOf(reader, entity)))).flat(),
      boundary: await boundaryOf(reader, user.boundary),
      session: await sessionPolicies(reader, session),
    },
    keys: new Map([...tagKeys(user.tags), ...sessionKeys(session)]),
  };
}

/** A session of a role. */
export async function roleCaller(
  reader: AccountReader,
  role: RoleDocument,
  { sessionName, session }: { readonly sessionName: string; readonly session: SessionFacts },
): Promise<Caller> {
  const { account } = reader;
  const arn = assumedRoleArn(account, role.name, sessionName);
  return {
    principal: {
      type: 'AssumedRole',
      account,
      names: [arn, entityArn(account, 'role', role)],
      id: `${role.id}:${sessionName}`,
      userName: null,
      actsForUsers: false,
    },
    arn,
    policies: {
      own: await policiesOf(reader, role),
      boundary: await boundaryOf(reader, role.boundary),
      session: await sessionPolicies(reader, session),
    },
    keys: new Map([...tagKeys(role.tags), ...sessionKeys(session)]),
  };
}

/** A session of GetFederationToken: no more than its maker may, and no more than the policies it was given. */
export async function federatedCaller(
  reader: AccountReader,
  maker: IdentityPolicies | null,
  { name, session }: { readonly name: string; readonly session: SessionFacts },
): Promise<Caller> {
  const { account } = reader;
  const arn = federatedUserArn(account, name);
  return {
    principal: {
      type: 'FederatedUser',
      account,
      names: [arn],
      id: `${account}:${name}`,
      userName: null,
      actsForUsers: false,
    },
    arn,
    policies: {
      own: maker?.own ?? [ALLOW_ALL],
      boundary: maker?.boundary ?? null,
      session: (await sessionPolicies(reader, session)) ?? [],
    },
    keys: new Map(sessionKeys(session)),
  };
}

/** A session of GetSessionToken with a key of the root: still the root. */
export function rootSessionCaller(root: Caller, session: SessionFacts): Caller {
  return { ...root, arn: rootArn(root.principal.account ?? ''), keys: new Map(sessionKeys(session)) };
}

const ALLOW_ALL: Policy = parsePolicy(
  JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }),
  'identity',
);

async function policiesOf(reader: AccountReader, entity: Entity): Promise<readonly Policy[]> {
  const inline = Object.values(entity.policies).map(parseStored);
  const attached = await Promise.all(entity.attached.map((arn) => managedText(reader, arn)));
  return [...inline, ...attached.filter((text) => text !== null).map(parseStored)];
}

/** A boundary that does not exist any more allows nothing. */
async function boundaryOf(reader: AccountReader, arn: string | null): Promise<readonly Policy[] | null> {
  if (arn === null) return null;
  const text = await managedText(reader, arn);
  return text === null ? [] : [parseStored(text)];
}

async function sessionPolicies(reader: AccountReader, session: SessionFacts | null): Promise<readonly Policy[] | null> {
  if (session?.policies === null || session === null) return null;
  const { inline, arns } = session.policies;
  const managed = await Promise.all(arns.map((arn) => managedText(reader, arn)));
  return [...inline, ...managed.filter((text) => text !== null)].map(parseStored);
}

/** The text of a managed policy's default version; null when there is no such policy. */
export async function managedText(reader: AccountReader, arn: string): Promise<string | null> {
  const aws = managedPolicy(arn);
  if (aws !== null) return aws.text;
  const named = parseEntityArn(arn, 'policy');
  if (named?.account !== reader.account) return null;
  const policy = await reader.get('policy', named.name.toLowerCase());
  if (policy?.path !== named.path) return null;
  return policy.versions.find(({ id }) => id === policy.defaultVersion)?.text ?? null;
}

/** Checked when it was put. */
function parseStored(text: string): Policy {
  return parsePolicy(text, 'identity');
}

function tagKeys(tags: Tags): [string, readonly string[]][] {
  return Object.entries(tags).map(([tag, value]) => [`aws:principaltag/${tag.toLowerCase()}`, [value]]);
}

function sessionKeys(session: SessionFacts | null): [string, readonly string[]][] {
  if (session === null) return [];
  return [
    ...Object.entries(session.keys),
    ['aws:tokenissuetime', [new Date(session.issuedAtMs).toISOString()]] as [string, readonly string[]],
  ];
}
