/** Users, groups and roles: finding them, and how answers show them. */
import { element, optional, parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { IamError, noSuchEntity } from '../iam-errors.js';
import { entityArn, rootArn } from '../iam-names.js';
import { GROUP_NAME, PATH, ROLE_NAME, USER_NAME } from '../iam-params.js';
import type { Params, TextRule } from '../iam-params.js';
import type { AccountReader, Documents, GroupDocument, RoleDocument, UserDocument } from '../iam-store.js';
import { encodedDocument, isoDate, tagMembers } from '../iam-xml.js';

export type EntityKind = 'user' | 'group' | 'role';

interface KindFacts {
  /** in messages */
  readonly title: string;
  /** name parameter, and element of answers */
  readonly parameter: 'UserName' | 'GroupName' | 'RoleName';
  readonly rule: TextRule;
}

export const ENTITY: Readonly<Record<EntityKind, KindFacts>> = {
  user: { title: 'user', parameter: 'UserName', rule: USER_NAME },
  group: { title: 'group', parameter: 'GroupName', rule: GROUP_NAME },
  role: { title: 'role', parameter: 'RoleName', rule: ROLE_NAME },
};

export interface Found<K extends EntityKind> {
  /** name of its document */
  readonly key: string;
  readonly entity: Documents[K];
}

/** By its name, which is not case-sensitive. @throws IamError NoSuchEntity */
export async function requireEntity<K extends EntityKind>(
  reader: AccountReader,
  kind: K,
  name: string,
): Promise<Found<K>> {
  const found = await findEntity(reader, kind, name);
  if (found === null) throw noSuchEntity(`The ${ENTITY[kind].title} with name ${name}`);
  return found;
}

export async function findEntity<K extends EntityKind>(
  reader: AccountReader,
  kind: K,
  name: string,
): Promise<Found<K> | null> {
  const key = await documentName(reader, kind, name);
  if (key === null) return null;
  const entity = await reader.get(kind, key);
  return entity === null ? null : { key, entity };
}

async function documentName(reader: AccountReader, kind: EntityKind, name: string): Promise<string | null> {
  const lower = name.toLowerCase();
  if (kind === 'role') return lower;
  return reader.get(kind === 'user' ? 'user-name' : 'group-name', lower);
}

/** The user that UserName names; without one the caller, null when that is the root. @throws IamError NoSuchEntity */
export async function userOrCaller(context: IamContext, reader: AccountReader): Promise<Found<'user'> | null> {
  const name = context.params.optional('UserName', USER_NAME);
  if (name !== null) return requireEntity(reader, 'user', name);
  const { principal } = callerOf(context);
  if (principal.type === 'Account') return null;
  if (principal.type !== 'User' || principal.userName === null)
    throw new IamError('ValidationError', 'Must specify userName when calling with non-User credentials');
  return requireEntity(reader, 'user', principal.userName);
}

export function callerOf(context: IamContext): NonNullable<IamContext['caller']> {
  if (context.caller === null) throw new Error('the action needs a caller');
  return context.caller;
}

/** Path, '/' without one. */
export function pathOf(params: Params): string {
  return params.optional('Path', PATH) ?? '/';
}

function head(account: string, kind: EntityKind, entity: UserDocument | GroupDocument | RoleDocument): string {
  const { title } = ENTITY[kind];
  const name = title.charAt(0).toUpperCase() + title.slice(1);
  return (
    element('Path', entity.path) +
    element(`${name}Name`, entity.name) +
    element(`${name}Id`, entity.id) +
    element('Arn', entityArn(account, kind, entity)) +
    element('CreateDate', isoDate(entity.createdAtMs))
  );
}

function boundaryElement(arn: string | null): string {
  if (arn === null) return '';
  const type = element('PermissionsBoundaryType', 'Policy');
  return parent('PermissionsBoundary', type + element('PermissionsBoundaryArn', arn));
}

/** detail: lists leave out tags and boundary. */
export function userElements(account: string, user: UserDocument, detail = false): string {
  const more = detail ? boundaryElement(user.boundary) + tags(user.tags) : '';
  return head(account, 'user', user) + more;
}

export function rootElements(account: string, createdAtMs: number): string {
  return (
    element('Path', '/') +
    element('UserId', account) +
    element('Arn', rootArn(account)) +
    element('CreateDate', isoDate(createdAtMs))
  );
}

export function groupElements(account: string, group: GroupDocument): string {
  return head(account, 'group', group);
}

export function roleElements(account: string, role: RoleDocument, detail = false): string {
  return (
    head(account, 'role', role) +
    encodedDocument('AssumeRolePolicyDocument', role.trust) +
    optional('Description', role.description === '' ? null : role.description) +
    element('MaxSessionDuration', role.maxSessionSeconds) +
    (detail ? boundaryElement(role.boundary) + tags(role.tags) + parent('RoleLastUsed', '') : '')
  );
}

function tags(all: UserDocument['tags']): string {
  return Object.keys(all).length === 0 ? '' : tagMembers(all);
}
