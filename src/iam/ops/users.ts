/** Users. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html and its neighbours */
import { parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { alreadyExists, IamError } from '../iam-errors.js';
import { newId } from '../iam-names.js';
import { ARN, PATH, PATH_PREFIX, USER_NAME } from '../iam-params.js';
import type { UserDocument } from '../iam-store.js';
import { members, pageEnd } from '../iam-xml.js';
import { requirePolicy } from './attachments.js';
import { groupElements, pathOf, requireEntity, rootElements, userElements, userOrCaller } from './entities.js';
import { pageOf, pageOfNames } from './listing.js';
import { count } from './quotas.js';

export async function createUser(context: IamContext): Promise<string> {
  const { params, account, nowMs } = context;
  const user: UserDocument = {
    name: params.text('UserName', USER_NAME),
    path: pathOf(params),
    id: newId('AIDA'),
    createdAtMs: nowMs,
    policies: {},
    attached: [],
    groups: [],
    keys: [],
    tags: params.tags(),
    boundary: params.optional('PermissionsBoundary', ARN),
  };
  await context.transact(async (transaction) => {
    if (await transaction.get('user-name', user.name.toLowerCase())) throw alreadyExists(`User with name ${user.name}`);
    if (user.boundary !== null) await requirePolicy(transaction, user.boundary);
    await count(transaction, 'users', 1);
    transaction.put('user', user.id, user);
    transaction.put('user-name', user.name.toLowerCase(), user.id);
  });
  return parent('User', userElements(account, user, true));
}

/** Without a UserName the caller, the root of its account too. */
export async function getUser(context: IamContext): Promise<string> {
  const { account, reader } = context;
  const found = await userOrCaller(context, reader);
  const content = found === null ? rootElements(account, 0) : userElements(account, found.entity, true);
  return parent('User', content);
}

export async function listUsers(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
  const { items, marker } = await pageOf(reader, params.page(), {
    kind: 'user-name',
    read: async ({ value: id }) => {
      const user = await reader.get('user', id);
      return user?.path.startsWith(pathPrefix) === true ? user : null;
    },
  });
  return (
    members(
      'Users',
      items.map((user) => userElements(account, user)),
    ) + pageEnd(marker)
  );
}

export async function updateUser(context: IamContext): Promise<null> {
  const { params } = context;
  const name = params.text('UserName', USER_NAME);
  const newName = params.optional('NewUserName', USER_NAME);
  const newPath = params.optional('NewPath', PATH);
  await context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'user', name);
    const user = { ...entity, name: newName ?? entity.name, path: newPath ?? entity.path };
    const [before, after] = [entity.name.toLowerCase(), user.name.toLowerCase()];
    if (before !== after) {
      if (await transaction.get('user-name', after)) throw alreadyExists(`User with name ${user.name}`);
      transaction.remove('user-name', before);
      transaction.put('user-name', after, key);
    }
    transaction.put('user', key, user);
  });
  return null;
}

/** As on AWS, only a user without keys, policies and groups. */
export async function deleteUser(context: IamContext): Promise<null> {
  const name = context.params.text('UserName', USER_NAME);
  await context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'user', name);
    if (entity.keys.length > 0) throw conflict('access keys');
    if (Object.keys(entity.policies).length > 0) throw conflict('policies');
    if (entity.attached.length > 0) throw conflict('attached policies');
    if (entity.groups.length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must remove users from group first.');
    await count(transaction, 'users', -1);
    transaction.remove('user', key);
    transaction.remove('user-name', entity.name.toLowerCase());
  });
  return null;
}

function conflict(what: string): IamError {
  return new IamError('DeleteConflict', `Cannot delete entity, must delete ${what} first.`);
}

export async function listGroupsForUser(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const page = params.page();
  const { entity } = await requireEntity(reader, 'user', params.text('UserName', USER_NAME));
  const groups = await Promise.all(entity.groups.map((id) => reader.get('group', id)));
  const { items, marker } = pageOfNames(
    groups.filter((group) => group !== null),
    page,
    ({ name }) => name.toLowerCase(),
  );
  return (
    members(
      'Groups',
      items.map((group) => groupElements(account, group)),
    ) + pageEnd(marker)
  );
}
