/**
 * Managed policies attached to users, groups and roles, and permissions boundaries.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html and its neighbours
 */
import { element } from '../../s3/xml/build.js';
import type { IamAction, IamContext } from '../iam-action.js';
import { noSuchEntity } from '../iam-errors.js';
import { isManagedArn, managedPolicy } from '../iam-managed-policies.js';
import { entityArn, parseEntityArn } from '../iam-names.js';
import { ARN, PATH_PREFIX } from '../iam-params.js';
import type { AccountReader, PolicyDocument } from '../iam-store.js';
import { members, pageEnd } from '../iam-xml.js';
import type { EntityKind } from './entities.js';
import { ENTITY, requireEntity } from './entities.js';
import { allOf, pageOfNames } from './listing.js';
import { limitExceeded, QUOTAS } from './quotas.js';

type Handler = IamAction['handler'];

export interface PolicyRef {
  readonly arn: string;
  /** lower case: of its document and of attachments to it; '*' before the name of AWS's own */
  readonly key: string;
  readonly name: string;
  readonly path: string;
  /** null: AWS's own */
  readonly document: PolicyDocument | null;
}

/** @throws IamError NoSuchEntity */
export async function requirePolicy(reader: AccountReader, arn: string): Promise<PolicyRef> {
  const found = await findPolicy(reader, arn);
  if (found === null) throw noSuchEntity(`Policy ${arn}`);
  return found;
}

export async function findPolicy(reader: AccountReader, arn: string): Promise<PolicyRef | null> {
  if (isManagedArn(arn)) {
    const policy = managedPolicy(arn);
    return policy === null
      ? null
      : { arn, key: `*${policy.name.toLowerCase()}`, name: policy.name, path: policy.path, document: null };
  }
  const named = parseEntityArn(arn, 'policy');
  if (named?.account !== reader.account) return null;
  const key = named.name.toLowerCase();
  const document = await reader.get('policy', key);
  if (document?.path !== named.path) return null;
  return {
    arn: entityArn(reader.account, 'policy', document),
    key,
    name: document.name,
    path: document.path,
    document,
  };
}

export interface AttachmentHandlers {
  readonly attach: Handler;
  readonly detach: Handler;
  readonly list: Handler;
}

export function attachments(kind: EntityKind): AttachmentHandlers {
  const { parameter, rule, title } = ENTITY[kind];
  const nameOf = ({ params }: IamContext): string => params.text(parameter, rule);
  return {
    attach: async (context) => {
      const name = nameOf(context);
      const arn = context.params.text('PolicyArn', ARN);
      await context.transact(async (transaction) => {
        const found = await requireEntity(transaction, kind, name);
        const policy = await requirePolicy(transaction, arn);
        const { attached } = found.entity;
        if (attached.includes(policy.arn)) return;
        if (attached.length >= QUOTAS.attachedPerEntity)
          throw limitExceeded('AttachedPoliciesPerEntity', QUOTAS.attachedPerEntity);
        transaction.put(kind, found.key, { ...found.entity, attached: [...attached, policy.arn] });
        transaction.put('attachment', `${policy.key}/${kind}/${found.key}`, found.key);
      });
      return null;
    },
    detach: async (context) => {
      const name = nameOf(context);
      const arn = context.params.text('PolicyArn', ARN);
      await context.transact(async (transaction) => {
        const found = await requireEntity(transaction, kind, name);
        const policy = await findPolicy(transaction, arn);
        const { attached } = found.entity;
        if (policy === null || !attached.includes(policy.arn))
          throw noSuchEntity(`Policy ${arn} attached to ${title} ${name}`);
        transaction.put(kind, found.key, {
          ...found.entity,
          attached: attached.filter((known) => known !== policy.arn),
        });
        transaction.remove('attachment', `${policy.key}/${kind}/${found.key}`);
      });
      return null;
    },
    list: async (context) => {
      const { params, reader } = context;
      const page = params.page();
      const { entity } = await requireEntity(reader, kind, nameOf(context));
      const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
      const named = entity.attached
        .map((arn) => ({ arn, ...parseEntityArn(arn, 'policy') }))
        .filter(({ path }) => path?.startsWith(pathPrefix));
      const { items, marker } = pageOfNames(named, page, ({ arn }) => arn);
      return (
        members(
          'AttachedPolicies',
          items.map(({ arn, name = '' }) => element('PolicyName', name) + element('PolicyArn', arn)),
        ) + pageEnd(marker)
      );
    },
  };
}

/** Sets (PermissionsBoundary) or removes a user's or role's boundary. */
export function permissionsBoundary(kind: 'user' | 'role'): { readonly put: Handler; readonly remove: Handler } {
  const { parameter, rule } = ENTITY[kind];
  const change = async (context: IamContext, arn: string | null): Promise<null> => {
    const name = context.params.text(parameter, rule);
    await context.transact(async (transaction) => {
      const found = await requireEntity(transaction, kind, name);
      if (arn !== null) await requirePolicy(transaction, arn);
      transaction.put(kind, found.key, { ...found.entity, boundary: arn });
    });
    return null;
  };
  return {
    put: (context) => change(context, context.params.text('PermissionsBoundary', ARN)),
    remove: (context) => change(context, null),
  };
}

const ENTITY_KINDS = ['user', 'group', 'role'] as const;

/** How many users, groups and roles a policy is attached to. */
export async function attachmentCount(reader: AccountReader, { key }: Pick<PolicyRef, 'key'>): Promise<number> {
  return (await allOf(reader, 'attachment', `${key}/`)).length;
}

export async function listEntitiesForPolicy(context: IamContext): Promise<string> {
  const { params, reader } = context;
  const policy = await requirePolicy(reader, params.text('PolicyArn', ARN));
  const filter = params.choice('EntityFilter', ['User', 'Group', 'Role', 'LocalManagedPolicy', 'AWSManagedPolicy']);
  const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
  const found = await allOf(reader, 'attachment', `${policy.key}/`);
  const entities = await Promise.all(
    found.map(async ({ name, value: key }) => {
      const kind = ENTITY_KINDS.find((known) => name.startsWith(`${policy.key}/${known}/`));
      if (kind === undefined || (filter !== null && filter.toLowerCase() !== kind)) return null;
      const entity = await reader.get(kind, key);
      return entity?.path.startsWith(pathPrefix) === true ? { kind, entity } : null;
    }),
  );
  const { items, marker } = pageOfNames(
    entities.filter((entity) => entity !== null),
    params.page(),
    ({ kind, entity }) => `${kind}/${entity.name.toLowerCase()}`,
  );
  const listed = (kind: EntityKind, list: string, name: string): string =>
    members(
      list,
      items
        .filter((item) => item.kind === kind)
        .map(({ entity }) => element(`${name}Name`, entity.name) + element(`${name}Id`, entity.id)),
    );
  return (
    listed('group', 'PolicyGroups', 'Group') +
    listed('user', 'PolicyUsers', 'User') +
    listed('role', 'PolicyRoles', 'Role') +
    pageEnd(marker)
  );
}
