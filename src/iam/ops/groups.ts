/** Groups. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html and its neighbours */
import { parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { alreadyExists, IamError } from '../iam-errors.js';
import { newId } from '../iam-names.js';
import { GROUP_NAME, PATH, PATH_PREFIX, USER_NAME } from '../iam-params.js';
import type { GroupDocument } from '../iam-store.js';
import { members, pageEnd } from '../iam-xml.js';
import { groupElements, pathOf, requireEntity, userElements } from './entities.js';
import { pageOf } from './listing.js';
import { count, limitExceeded, QUOTAS } from './quotas.js';

export async function createGroup(context: IamContext): Promise<string> {
  const { params, account, nowMs } = context;
  const group: GroupDocument = {
    name: params.text('GroupName', GROUP_NAME),
    path: pathOf(params),
    id: newId('AGPA'),
    createdAtMs: nowMs,
    policies: {},
    attached: [],
  };
  await context.transact(async (transaction) => {
    const lower = group.name.toLowerCase();
    if (await transaction.get('group-name', lower)) throw alreadyExists(`Group with name ${group.name}`);
    await count(transaction, 'groups', 1);
    transaction.put('group', group.id, group);
    transaction.put('group-name', lower, group.id);
  });
  return parent('Group', groupElements(account, group));
}

/** The group and, by pages, its users. */
export async function getGroup(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const { key, entity } = await requireEntity(reader, 'group', params.text('GroupName', GROUP_NAME));
  const { items, marker } = await pageOf(reader, params.page(), {
    kind: 'member',
    prefix: `${key}/`,
    read: ({ name }) => reader.get('user', name.slice(key.length + 1)),
  });
  return (
    parent('Group', groupElements(account, entity)) +
    members(
      'Users',
      items.map((user) => userElements(account, user)),
    ) +
    pageEnd(marker)
  );
}

export async function listGroups(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
  const { items, marker } = await pageOf(reader, params.page(), {
    kind: 'group-name',
    read: async ({ value: id }) => {
      const group = await reader.get('group', id);
      return group?.path.startsWith(pathPrefix) === true ? group : null;
    },
  });
  return (
    members(
      'Groups',
      items.map((group) => groupElements(account, group)),
    ) + pageEnd(marker)
  );
}

export async function updateGroup(context: IamContext): Promise<null> {
  const { params } = context;
  const name = params.text('GroupName', GROUP_NAME);
  const newName = params.optional('NewGroupName', GROUP_NAME);
  const newPath = params.optional('NewPath', PATH);
  await context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'group', name);
    const group = { ...entity, name: newName ?? entity.name, path: newPath ?? entity.path };
    const [before, after] = [entity.name.toLowerCase(), group.name.toLowerCase()];
    if (before !== after) {
      if (await transaction.get('group-name', after)) throw alreadyExists(`Group with name ${group.name}`);
      transaction.remove('group-name', before);
      transaction.put('group-name', after, key);
    }
    transaction.put('group', key, group);
  });
  return null;
}

/** As on AWS, only a group without users and policies. */
export async function deleteGroup(context: IamContext): Promise<null> {
  const name = context.params.text('GroupName', GROUP_NAME);
  await context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'group', name);
    if ((await transaction.list('member', { prefix: `${key}/`, limit: 1 })).length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must remove users from group first.');
    if (Object.keys(entity.policies).length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must delete policies first.');
    if (entity.attached.length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must detach all policies first.');
    await count(transaction, 'groups', -1);
    transaction.remove('group', key);
    transaction.remove('group-name', entity.name.toLowerCase());
  });
  return null;
}

export async function addUserToGroup(context: IamContext): Promise<null> {
  const groupName = context.params.text('GroupName', GROUP_NAME);
  const userName = context.params.text('UserName', USER_NAME);
  await context.transact(async (transaction) => {
    const group = await requireEntity(transaction, 'group', groupName);
    const user = await requireEntity(transaction, 'user', userName);
    const { groups } = user.entity;
    if (groups.includes(group.key)) return;
    if (groups.length >= QUOTAS.groupsPerUser) throw limitExceeded('GroupsPerUser', QUOTAS.groupsPerUser);
    transaction.put('user', user.key, { ...user.entity, groups: [...groups, group.key] });
    transaction.put('member', `${group.key}/${user.key}`, true);
  });
  return null;
}

export async function removeUserFromGroup(context: IamContext): Promise<null> {
  const groupName = context.params.text('GroupName', GROUP_NAME);
  const userName = context.params.text('UserName', USER_NAME);
  await context.transact(async (transaction) => {
    const group = await requireEntity(transaction, 'group', groupName);
    const user = await requireEntity(transaction, 'user', userName);
    const groups = user.entity.groups.filter((id) => id !== group.key);
    if (groups.length === user.entity.groups.length)
      throw new IamError('NoSuchEntity', `User ${userName} is not in group ${groupName}.`);
    transaction.put('user', user.key, { ...user.entity, groups });
    transaction.remove('member', `${group.key}/${user.key}`);
  });
  return null;
}
