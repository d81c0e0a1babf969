/**
 * Tags of users, roles, policies and OIDC providers: TagUser, UntagUser, ListUserTags and their likes.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
 */
import type { IamAction, IamContext } from '../iam-action.js';
import { IamError, invalid } from '../iam-errors.js';
import { ARN, ROLE_NAME, TAG_KEY, USER_NAME } from '../iam-params.js';
import type {
  AccountReader,
  OidcDocument,
  PolicyDocument,
  RoleDocument,
  Tags,
  Transaction,
  UserDocument,
} from '../iam-store.js';
import { pageEnd, tagMembers } from '../iam-xml.js';
import { requirePolicy } from './attachments.js';
import { requireEntity } from './entities.js';
import { pageOfNames } from './listing.js';
import { requireProvider } from './oidc-providers.js';
import { limitExceeded, QUOTAS } from './quotas.js';

interface TagSubject<Entity extends { readonly tags: Tags }> {
  /** in the name of the quota */
  readonly title: string;
  /** AWS: keys of users and roles are the same in any case, those of everything else are not */
  readonly caseSensitive: boolean;
  /** @throws IamError NoSuchEntity, UnmodifiableEntity */
  readonly find: (
    context: IamContext,
    reader: AccountReader,
  ) => Promise<{ readonly entity: Entity; readonly put: (transaction: Transaction, changed: Entity) => void }>;
}

export interface TagHandlers {
  readonly tag: IamAction['handler'];
  readonly untag: IamAction['handler'];
  readonly list: IamAction['handler'];
}

function handlersOf<Entity extends { readonly tags: Tags }>(subject: TagSubject<Entity>): TagHandlers {
  const { caseSensitive } = subject;
  const same = (key: string): string => (caseSensitive ? key : key.toLowerCase());
  const change = (context: IamContext, changed: (tags: Tags) => Tags): Promise<void> =>
    context.transact(async (transaction) => {
      const { entity, put } = await subject.find(context, transaction);
      put(transaction, { ...entity, tags: changed(entity.tags) });
    });
  return {
    tag: async (context) => {
      const added = context.params.tags({ caseSensitive });
      if (Object.keys(added).length === 0) throw missing('tags');
      await change(context, (tags) => {
        const all = { ...without(tags, new Set(Object.keys(added).map(same)), same), ...added };
        if (Object.keys(all).length > QUOTAS.tagsPerEntity)
          throw limitExceeded(`TagsPer${subject.title}`, QUOTAS.tagsPerEntity);
        return all;
      });
      return null;
    },
    untag: async (context) => {
      const keys = context.params.list('TagKeys', TAG_KEY, QUOTAS.tagsPerEntity);
      if (keys.length === 0) throw missing('tagKeys');
      await change(context, (tags) => without(tags, new Set(keys.map(same)), same));
      return null;
    },
    list: async (context) => {
      const page = context.params.page();
      const { entity } = await subject.find(context, context.reader);
      const { items, marker } = pageOfNames(Object.entries(entity.tags), page, ([key]) => key);
      return tagMembers(Object.fromEntries(items)) + pageEnd(marker);
    },
  };
}

function without(tags: Tags, removed: ReadonlySet<string>, same: (key: string) => string): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !removed.has(same(key))));
}

function missing(member: string): IamError {
  return invalid(
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}

export const userTags = handlersOf<UserDocument>({
  title: 'User',
  caseSensitive: false,
  find: async ({ params }, reader) => {
    const { key, entity } = await requireEntity(reader, 'user', params.text('UserName', USER_NAME));
    return { entity, put: (transaction, changed) => transaction.put('user', key, changed) };
  },
});

export const roleTags = handlersOf<RoleDocument>({
  title: 'Role',
  caseSensitive: false,
  find: async ({ params }, reader) => {
    const { key, entity } = await requireEntity(reader, 'role', params.text('RoleName', ROLE_NAME));
    return { entity, put: (transaction, changed) => transaction.put('role', key, changed) };
  },
});

export const policyTags = handlersOf<PolicyDocument>({
  title: 'Policy',
  caseSensitive: true,
  find: async ({ params }, reader) => {
    const { key, arn, document } = await requirePolicy(reader, params.text('PolicyArn', ARN));
    if (document === null) throw new IamError('UnmodifiableEntity', `Policy ${arn} belongs to AWS and has no tags.`);
    return { entity: document, put: (transaction, changed) => transaction.put('policy', key, changed) };
  },
});

export const providerTags = handlersOf<OidcDocument>({
  title: 'OpenIdConnectProvider',
  caseSensitive: true,
  find: async (context, reader) => {
    const { key, provider } = await requireProvider(context, reader);
    return { entity: provider, put: (transaction, changed) => transaction.put('oidc', key, changed) };
  },
});
