/** Users, access keys and policies, by the IAM API; who is logged in, by STS. */
import type { Xml } from '../lib/xml.js';
import { ApiError } from '../lib/errors.js';
import type { Client } from './client.js';

export interface Caller {
  readonly account: string;
  readonly arn: string;
}

export async function getCaller(client: Client): Promise<Caller> {
  const xml = await client.action('sts', 'GetCallerIdentity');
  return { account: xml.text('Account'), arn: xml.text('Arn') };
}

export interface User {
  readonly name: string;
  readonly arn: string;
  readonly created: string;
}

const ENOUGH_PAGES = 50;

/** All members of a listing, page by page. */
async function everyMember(
  client: Client,
  action: string,
  list: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<Xml[]> {
  const members: Xml[] = [];
  let marker = '';
  for (let page = 0; page < ENOUGH_PAGES; page++) {
    const xml = await client.action('iam', action, { ...parameters, ...(marker === '' ? {} : { Marker: marker }) });
    members.push(...xml.at(list).all('member'));
    marker = xml.text('IsTruncated') === 'true' ? xml.text('Marker') : '';
    if (marker === '') break;
  }
  return members;
}

export async function listUsers(client: Client): Promise<User[]> {
  const members = await everyMember(client, 'ListUsers', 'Users');
  return members.map((one) => ({ name: one.text('UserName'), arn: one.text('Arn'), created: one.text('CreateDate') }));
}

export async function createUser(client: Client, name: string): Promise<void> {
  await client.action('iam', 'CreateUser', { UserName: name });
}

/** With everything that belongs to the user. */
export async function deleteUser(client: Client, name: string): Promise<void> {
  const UserName = name;
  for (const key of await listKeys(client, name)) await deleteKey(client, name, key.id);
  for (const arn of await listAttached(client, name)) await detachPolicy(client, name, arn.arn);
  for (const policy of await listInline(client, name)) await deleteInline(client, name, policy);
  for (const group of await everyMember(client, 'ListGroupsForUser', 'Groups', { UserName }))
    await client.action('iam', 'RemoveUserFromGroup', { UserName, GroupName: group.text('GroupName') });
  await client.action('iam', 'DeleteUser', { UserName });
}

export interface AccessKey {
  readonly id: string;
  readonly active: boolean;
  readonly created: string;
}

export async function listKeys(client: Client, user: string): Promise<AccessKey[]> {
  const members = await everyMember(client, 'ListAccessKeys', 'AccessKeyMetadata', { UserName: user });
  return members.map((one) => ({
    id: one.text('AccessKeyId'),
    active: one.text('Status') === 'Active',
    created: one.text('CreateDate'),
  }));
}

export interface NewKey {
  readonly id: string;
  /** told this once */
  readonly secret: string;
}

export async function createKey(client: Client, user: string): Promise<NewKey> {
  const key = (await client.action('iam', 'CreateAccessKey', { UserName: user })).at('AccessKey');
  return { id: key.text('AccessKeyId'), secret: key.text('SecretAccessKey') };
}

export async function setKeyActive(client: Client, user: string, id: string, active: boolean): Promise<void> {
  const Status = active ? 'Active' : 'Inactive';
  await client.action('iam', 'UpdateAccessKey', { UserName: user, AccessKeyId: id, Status });
}

export async function deleteKey(client: Client, user: string, id: string): Promise<void> {
  await client.action('iam', 'DeleteAccessKey', { UserName: user, AccessKeyId: id });
}

/** '' when the key was never used. */
export async function keyLastUsed(client: Client, id: string): Promise<string> {
  const used = (await client.action('iam', 'GetAccessKeyLastUsed', { AccessKeyId: id })).at('AccessKeyLastUsed');
  return used.text('LastUsedDate');
}

export interface PolicyRef {
  readonly name: string;
  readonly arn: string;
}

export async function listPolicies(client: Client): Promise<PolicyRef[]> {
  const members = await everyMember(client, 'ListPolicies', 'Policies');
  return members.map((one) => ({ name: one.text('PolicyName'), arn: one.text('Arn') }));
}

export async function listAttached(client: Client, user: string): Promise<PolicyRef[]> {
  const members = await everyMember(client, 'ListAttachedUserPolicies', 'AttachedPolicies', { UserName: user });
  return members.map((one) => ({ name: one.text('PolicyName'), arn: one.text('PolicyArn') }));
}

export async function attachPolicy(client: Client, user: string, arn: string): Promise<void> {
  await client.action('iam', 'AttachUserPolicy', { UserName: user, PolicyArn: arn });
}

export async function detachPolicy(client: Client, user: string, arn: string): Promise<void> {
  await client.action('iam', 'DetachUserPolicy', { UserName: user, PolicyArn: arn });
}

export async function listInline(client: Client, user: string): Promise<string[]> {
  const members = await everyMember(client, 'ListUserPolicies', 'PolicyNames', { UserName: user });
  return members.map(({ value }) => value);
}

/** '' when there is no such policy. */
export async function getInline(client: Client, user: string, name: string): Promise<string> {
  try {
    const xml = await client.action('iam', 'GetUserPolicy', { UserName: user, PolicyName: name });
    return decodeURIComponent(xml.text('PolicyDocument'));
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NoSuchEntity') return '';
    throw error;
  }
}

export async function putInline(client: Client, user: string, name: string, document: string): Promise<void> {
  const parameters = { UserName: user, PolicyName: name, PolicyDocument: document };
  await client.action('iam', 'PutUserPolicy', parameters);
}

export async function deleteInline(client: Client, user: string, name: string): Promise<void> {
  await client.action('iam', 'DeleteUserPolicy', { UserName: user, PolicyName: name });
}
