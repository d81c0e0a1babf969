/**
 * Inline policies of users, groups and roles: the same four actions for each.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html and its neighbours
 */
import { element } from '../../s3/xml/build.js';
import type { IamAction, IamContext } from '../iam-action.js';
import { IamError, noSuchEntity } from '../iam-errors.js';
import { DOCUMENT, POLICY_NAME } from '../iam-params.js';
import type { Entity, Transaction } from '../iam-store.js';
import { encodedDocument, pageEnd, textMembers } from '../iam-xml.js';
import { checkedPolicy } from './documents.js';
import type { EntityKind, Found } from './entities.js';
import { ENTITY, requireEntity } from './entities.js';
import { pageOfNames } from './listing.js';
import { QUOTAS, sizeOf } from './quotas.js';

type Handler = IamAction['handler'];

const LIMITS: Readonly<Record<EntityKind, number>> = {
  user: QUOTAS.userPolicySize,
  group: QUOTAS.groupPolicySize,
  role: QUOTAS.rolePolicySize,
};

export interface InlinePolicyHandlers {
  readonly put: Handler;
  readonly get: Handler;
  readonly list: Handler;
  readonly remove: Handler;
}

export function inlinePolicies(kind: EntityKind): InlinePolicyHandlers {
  const { parameter, rule, title } = ENTITY[kind];
  const nameOf = ({ params }: IamContext): string => params.text(parameter, rule);
  return {
    put: async (context) => {
      const name = nameOf(context);
      const policyName = context.params.text('PolicyName', POLICY_NAME);
      const text = context.params.text('PolicyDocument', DOCUMENT);
      checkedPolicy(text, 'identity');
      await context.transact(async (transaction) => {
        const found = await requireEntity(transaction, kind, name);
        const policies = { ...found.entity.policies, [policyName]: text };
        const size = Object.values(policies).reduce((sum, policy) => sum + sizeOf(policy), 0);
        if (size > LIMITS[kind])
          throw new IamError(
            'LimitExceeded',
            `Maximum policy size of ${LIMITS[kind]} bytes exceeded for ${title} ${found.entity.name}`,
          );
        putEntity(transaction, kind, found, { ...found.entity, policies });
      });
      return null;
    },
    get: async (context) => {
      const policyName = context.params.text('PolicyName', POLICY_NAME);
      const { entity } = await requireEntity(context.reader, kind, nameOf(context));
      const text = requireInline(entity, policyName, title);
      return (
        element(parameter, entity.name) + element('PolicyName', policyName) + encodedDocument('PolicyDocument', text)
      );
    },
    list: async (context) => {
      const page = context.params.page();
      const { entity } = await requireEntity(context.reader, kind, nameOf(context));
      const { items, marker } = pageOfNames(Object.keys(entity.policies), page, (name) => name);
      return textMembers('PolicyNames', items) + pageEnd(marker);
    },
    remove: async (context) => {
      const name = nameOf(context);
      const policyName = context.params.text('PolicyName', POLICY_NAME);
      await context.transact(async (transaction) => {
        const found = await requireEntity(transaction, kind, name);
        requireInline(found.entity, policyName, title);
        const left = Object.entries(found.entity.policies).filter(([known]) => known !== policyName);
        putEntity(transaction, kind, found, { ...found.entity, policies: Object.fromEntries(left) });
      });
      return null;
    },
  };
}

function requireInline(entity: Entity, policyName: string, title: string): string {
  // Names such as 'constructor' must not be found where there is no such policy.
  const text = Object.hasOwn(entity.policies, policyName) ? entity.policies[policyName] : undefined;
  if (text === undefined) throw noSuchEntity(`The ${title} policy with name ${policyName}`);
  return text;
}

function putEntity<K extends EntityKind>(
  transaction: Transaction,
  kind: K,
  found: Found<K>,
  changed: Found<K>['entity'],
): void {
  transaction.put(kind, found.key, changed);
}
