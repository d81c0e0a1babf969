/** Managed policies and their versions. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html and its neighbours */
import { element, optional, parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { alreadyExists, IamError, noSuchEntity } from '../iam-errors.js';
import { MANAGED_POLICIES, MANAGED_SINCE_MS, MANAGED_VERSION, managedPolicy } from '../iam-managed-policies.js';
import { entityArn, newId } from '../iam-names.js';
import { ARN, DOCUMENT, PATH_PREFIX, POLICY_NAME } from '../iam-params.js';
import type { AccountReader, PolicyDocument, PolicyVersion, Transaction } from '../iam-store.js';
import { encodedDocument, isoDate, members, pageEnd, tagMembers } from '../iam-xml.js';
import type { PolicyRef } from './attachments.js';
import { attachmentCount, requirePolicy } from './attachments.js';
import { checkedPolicy } from './documents.js';
import { pathOf } from './entities.js';
import { allOf, pageOfNames } from './listing.js';
import { count, limitExceeded, QUOTAS, sizeOf } from './quotas.js';

const VERSION_ID = { max: 12, pattern: /^v[1-9][0-9]*$/ };

/** What an answer shows of a policy, whoever made it. */
interface PolicyFacts extends PolicyRef {
  readonly id: string;
  readonly defaultVersion: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
}

function factsOf(policy: PolicyRef): PolicyFacts {
  const { document } = policy;
  if (document !== null) return { ...policy, ...document, arn: policy.arn };
  const aws = managedPolicy(policy.arn);
  return {
    ...policy,
    id: aws?.id ?? '',
    defaultVersion: MANAGED_VERSION,
    createdAtMs: MANAGED_SINCE_MS,
    updatedAtMs: MANAGED_SINCE_MS,
    description: aws?.description ?? '',
    tags: {},
  };
}

async function policyElements(reader: AccountReader, policy: PolicyRef, detail: boolean): Promise<string> {
  const facts = factsOf(policy);
  return (
    element('PolicyName', facts.name) +
    element('PolicyId', facts.id) +
    element('Arn', facts.arn) +
    element('Path', facts.path) +
    element('DefaultVersionId', facts.defaultVersion) +
    element('AttachmentCount', await attachmentCount(reader, policy)) +
    element('PermissionsBoundaryUsageCount', 0) +
    element('IsAttachable', true) +
    optional('Description', detail && facts.description !== '' ? facts.description : null) +
    element('CreateDate', isoDate(facts.createdAtMs)) +
    element('UpdateDate', isoDate(facts.updatedAtMs)) +
    (detail && Object.keys(facts.tags).length > 0 ? tagMembers(facts.tags) : '')
  );
}

function checkedText(context: IamContext): string {
  const text = context.params.text('PolicyDocument', DOCUMENT);
  checkedPolicy(text, 'identity');
  if (sizeOf(text) > QUOTAS.policySize) throw limitExceeded('PolicySize', QUOTAS.policySize);
  return text;
}

export async function createPolicy(context: IamContext): Promise<string> {
  const { params, account, nowMs, reader } = context;
  const name = params.text('PolicyName', POLICY_NAME);
  const document: PolicyDocument = {
    name,
    path: pathOf(params),
    id: newId('ANPA'),
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    description: params.optional('Description', { min: 0, max: 1000 }) ?? '',
    tags: params.tags({ caseSensitive: true }),
    nextVersion: 2,
    defaultVersion: 'v1',
    versions: [{ id: 'v1', text: checkedText(context), createdAtMs: nowMs }],
  };
  const key = name.toLowerCase();
  await context.transact(async (transaction) => {
    if (await transaction.get('policy', key)) throw alreadyExists(`A policy called ${name}`);
    await count(transaction, 'policies', 1);
    transaction.put('policy', key, document);
  });
  const ref = { arn: entityArn(account, 'policy', document), key, name, path: document.path, document };
  return parent('Policy', await policyElements(reader, ref, false));
}

export async function getPolicy(context: IamContext): Promise<string> {
  const { params, reader } = context;
  return parent(
    'Policy',
    await policyElements(reader, await requirePolicy(reader, params.text('PolicyArn', ARN)), true),
  );
}

export async function listPolicies(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const scope = params.choice('Scope', ['All', 'AWS', 'Local']) ?? 'All';
  const onlyAttached = params.flag('OnlyAttached');
  const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
  const own = scope === 'AWS' ? [] : await allOf(reader, 'policy', '');
  const local = own.map(({ name: key, value: document }): PolicyRef => {
    const { name, path } = document;
    return { arn: entityArn(account, 'policy', document), key, name, path, document };
  });
  const aws = MANAGED_POLICIES.map(({ arn, name, path }): PolicyRef => ({
    arn,
    key: `*${name.toLowerCase()}`,
    name,
    path,
    document: null,
  }));
  const wanted = [...local, ...(scope === 'Local' ? [] : aws)].filter(({ path }) => path.startsWith(pathPrefix));
  const attached = onlyAttached ? await Promise.all(wanted.map((policy) => attachmentCount(reader, policy))) : null;
  const { items, marker } = pageOfNames(
    wanted.filter((_, index) => attached === null || (attached[index] ?? 0) > 0),
    params.page(),
    ({ key, arn }) => `${key} ${arn}`,
  );
  const shown = await Promise.all(items.map((policy) => policyElements(reader, policy, false)));
  return members('Policies', shown) + pageEnd(marker);
}

/** As on AWS, only a policy that nothing has attached and that has no version but the default one. */
export async function deletePolicy(context: IamContext): Promise<null> {
  const arn = context.params.text('PolicyArn', ARN);
  await context.transact(async (transaction) => {
    const { key, document } = await requireOwn(transaction, arn);
    if ((await transaction.list('attachment', { prefix: `${key}/`, limit: 1 })).length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete a policy attached to entities.');
    if (document.versions.length > 1)
      throw new IamError('DeleteConflict', 'This policy has more than one version. Delete its other versions first.');
    await count(transaction, 'policies', -1);
    transaction.remove('policy', key);
  });
  return null;
}

async function requireOwn(
  transaction: Transaction,
  arn: string,
): Promise<{ readonly key: string; readonly document: PolicyDocument }> {
  const { key, document } = await requirePolicy(transaction, arn);
  if (document === null) throw new IamError('AccessDenied', `${arn} is AWS's: it cannot be changed.`);
  return { key, document };
}

export async function createPolicyVersion(context: IamContext): Promise<string> {
  const { params, nowMs } = context;
  const arn = params.text('PolicyArn', ARN);
  const text = checkedText(context);
  const setAsDefault = params.flag('SetAsDefault');
  const version = await context.transact(async (transaction): Promise<PolicyVersion> => {
    const { key, document } = await requireOwn(transaction, arn);
    if (document.versions.length >= QUOTAS.versionsPerPolicy)
      throw limitExceeded('VersionsPerPolicy', QUOTAS.versionsPerPolicy);
    const added: PolicyVersion = { id: `v${document.nextVersion}`, text, createdAtMs: nowMs };
    transaction.put('policy', key, {
      ...document,
      updatedAtMs: nowMs,
      nextVersion: document.nextVersion + 1,
      defaultVersion: setAsDefault ? added.id : document.defaultVersion,
      versions: [...document.versions, added],
    });
    return added;
  });
  return parent('PolicyVersion', versionElements(version, setAsDefault));
}

function versionElements({ id, createdAtMs }: PolicyVersion, isDefault: boolean): string {
  return (
    element('VersionId', id) + element('IsDefaultVersion', isDefault) + element('CreateDate', isoDate(createdAtMs))
  );
}

function versionsOf(policy: PolicyRef): readonly PolicyVersion[] {
  if (policy.document !== null) return policy.document.versions;
  return [{ id: MANAGED_VERSION, text: managedPolicy(policy.arn)?.text ?? '', createdAtMs: MANAGED_SINCE_MS }];
}

export async function getPolicyVersion(context: IamContext): Promise<string> {
  const { params, reader } = context;
  const policy = await requirePolicy(reader, params.text('PolicyArn', ARN));
  const id = params.text('VersionId', VERSION_ID);
  const version = versionsOf(policy).find((known) => known.id === id);
  if (version === undefined) throw noVersion(policy.arn, id);
  const isDefault = factsOf(policy).defaultVersion === id;
  return parent('PolicyVersion', encodedDocument('Document', version.text) + versionElements(version, isDefault));
}

export async function listPolicyVersions(context: IamContext): Promise<string> {
  const { params, reader } = context;
  const policy = await requirePolicy(reader, params.text('PolicyArn', ARN));
  const { defaultVersion } = factsOf(policy);
  // Newest first.
  const age = ({ id }: PolicyVersion): string => String(1_000_000_000 - Number(id.slice(1)));
  const { items, marker } = pageOfNames(versionsOf(policy), params.page(), age);
  return (
    members(
      'Versions',
      items.map((version) => versionElements(version, version.id === defaultVersion)),
    ) + pageEnd(marker)
  );
}

export async function deletePolicyVersion(context: IamContext): Promise<null> {
  const arn = context.params.text('PolicyArn', ARN);
  const id = context.params.text('VersionId', VERSION_ID);
  await context.transact(async (transaction) => {
    const { key, document } = await requireOwn(transaction, arn);
    const versions = document.versions.filter((known) => known.id !== id);
    if (versions.length === document.versions.length) throw noVersion(arn, id);
    if (id === document.defaultVersion)
      throw new IamError('DeleteConflict', 'Cannot delete the default version of a policy.');
    transaction.put('policy', key, { ...document, versions });
  });
  return null;
}

export async function setDefaultPolicyVersion(context: IamContext): Promise<null> {
  const arn = context.params.text('PolicyArn', ARN);
  const id = context.params.text('VersionId', VERSION_ID);
  await context.transact(async (transaction) => {
    const { key, document } = await requireOwn(transaction, arn);
    if (!document.versions.some((known) => known.id === id)) throw noVersion(arn, id);
    transaction.put('policy', key, { ...document, defaultVersion: id, updatedAtMs: context.nowMs });
  });
  return null;
}

function noVersion(arn: string, id: string): IamError {
  return noSuchEntity(`Policy ${arn} version ${id}`);
}
