/** Whether a caller may use an action of the query APIs: the root of an account, and whom its policies allow it. */
import type { IamAction, IamContext } from './iam-action.js';
import { judgeCaller } from './iam-caller.js';
import { IamError } from './iam-errors.js';
import { entityArn, oidcProviderArn, parseOidcProviderArn } from './iam-names.js';
import { TAG_KEY } from './iam-params.js';
import { tagKeysOf, withKeys } from './iam-request-keys.js';
import type { Tags } from './iam-store.js';
import { findPolicy } from './ops/attachments.js';
import { callerOf, findEntity } from './ops/entities.js';
import { providerKey } from './ops/oidc-providers.js';

/** @throws IamError AccessDenied; ValidationError, InvalidInput for tags that are none */
export async function authorizeAction(action: IamAction, context: IamContext): Promise<void> {
  const caller = callerOf(context);
  if (action.service === 'iam') refuseKeySession(context, action);
  if (action.access !== 'policy' || caller.policies === null) return;
  const asked = `${action.service}:${action.name}`;
  const subject = await subjectOf(action, context);
  const { arn: resource } = subject;
  const keys = withKeys(context.keys, subjectKeys(context, subject));
  const { denied, allowed } = judgeCaller(caller, { action: asked, resource, keys });
  if (allowed && !denied) return;
  const reason = denied
    ? 'with an explicit deny in an identity-based policy'
    : `because no identity-based policy allows the ${asked} action`;
  throw new IamError(
    'AccessDenied',
    `User: ${caller.arn} is not authorized to perform: ${asked} on resource: ${resource} ${reason}`,
  );
}

/**
 * As on AWS, sessions of GetSessionToken and GetFederationToken (without MFA) cannot use IAM: what a leaked session does ends with
 * it. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
function refuseKeySession({ credential, caller }: IamContext, action: IamAction): void {
  if (credential?.sessionToken === undefined || caller?.principal.type === 'AssumedRole') return;
  throw new IamError('AccessDenied', `Cannot call iam:${action.name} with these session credentials`);
}

/** What an action is about, as policies see it. */
interface Asked {
  readonly arn: string;
  readonly tags: Tags;
  /** ARN of its permissions boundary; null: none */
  readonly boundary: string | null;
}

async function subjectOf({ on }: IamAction, context: IamContext): Promise<Asked> {
  const { params, account, reader } = context;
  switch (on) {
    case 'account':
      return bare('*');
    case 'user':
    case 'group':
    case 'role':
      return named(on, context);
    case 'policy': {
      const name = params.raw('PolicyName');
      if (!params.has('PolicyArn')) return bare(entityArn(account, 'policy', { path: pathParameter(context), name }));
      const policy = await findPolicy(reader, params.raw('PolicyArn'));
      return { ...bare(params.raw('PolicyArn')), tags: policy?.document?.tags ?? {} };
    }
    case 'oidc': {
      if (!params.has('OpenIDConnectProviderArn'))
        return bare(oidcProviderArn(account, providerKey(params.raw('Url'))));
      const arn = params.raw('OpenIDConnectProviderArn');
      const url = parseOidcProviderArn(arn)?.url;
      const provider = url === undefined ? null : await reader.get('oidc', url);
      return { ...bare(arn), tags: provider?.tags ?? {} };
    }
    case 'key': {
      const key = await reader.get('key', params.raw('AccessKeyId'));
      const user = key?.user === undefined || key.user === null ? null : await reader.get('user', key.user);
      return user === null ? bare('*') : { ...user, arn: entityArn(account, 'user', user) };
    }
  }
}

function bare(arn: string): Asked {
  return { arn, tags: {}, boundary: null };
}

/** By name; one that is not there yet as it would be created. Without a UserName, the caller. */
async function named(kind: 'user' | 'group' | 'role', context: IamContext): Promise<Asked> {
  const { params, account, reader } = context;
  const parameter = { user: 'UserName', group: 'GroupName', role: 'RoleName' }[kind];
  const caller = kind === 'user' && !params.has(parameter) ? callerOf(context) : null;
  const name = caller === null ? params.raw(parameter) : (caller.principal.userName ?? '');
  const entity = (await findEntity(reader, kind, name))?.entity;
  return {
    tags: {},
    boundary: null,
    ...entity,
    arn: caller?.arn ?? entityArn(account, kind, entity ?? { path: pathParameter(context), name }),
  };
}

/**
 * Condition keys that are IAM's own: tags that the request brings and that its subject has, the policy it attaches, the boundary
 * it sets or its subject has.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
 */
function subjectKeys({ params }: IamContext, { tags, boundary }: Asked): ReadonlyMap<string, readonly string[]> {
  const added = params.has('Tags.member.1.Key') ? params.tags({ caseSensitive: true }) : {};
  const names = [...Object.keys(added), ...params.list('TagKeys', TAG_KEY)];
  const wantedBoundary = params.has('PermissionsBoundary') ? params.raw('PermissionsBoundary') : boundary;
  return new Map<string, readonly string[]>([
    ...Object.entries(tagKeysOf('aws:requesttag', added)),
    ...Object.entries(tagKeysOf('aws:resourcetag', tags)),
    ...Object.entries(tagKeysOf('iam:resourcetag', tags)),
    ...(names.length === 0 ? [] : [['aws:tagkeys', names] as const]),
    ...(params.has('PolicyArn') ? [['iam:policyarn', [params.raw('PolicyArn')]] as const] : []),
    ...(wantedBoundary === null ? [] : [['iam:permissionsboundary', [wantedBoundary]] as const]),
  ]);
}

/** Checked by the action itself. */
function pathParameter({ params }: IamContext): string {
  return params.has('Path') ? params.raw('Path') : '/';
}
