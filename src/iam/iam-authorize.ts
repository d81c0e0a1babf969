/** Whether a caller may use an action of the query APIs: the root of an account, and whom its policies allow it. */
import type { IamAction, IamContext } from './iam-action.js';
import { judgeCaller } from './iam-caller.js';
import { IamError } from './iam-errors.js';
import { entityArn, oidcProviderArn } from './iam-names.js';
import { callerOf, findEntity } from './ops/entities.js';
import { providerKey } from './ops/oidc-providers.js';

/** @throws IamError AccessDenied */
export async function authorizeAction(action: IamAction, context: IamContext): Promise<void> {
  const caller = callerOf(context);
  if (action.service === 'iam') refuseKeySession(context, action);
  if (action.access !== 'policy' || caller.policies === null) return;
  const asked = `${action.service}:${action.name}`;
  const resource = await subjectArn(action, context);
  const { denied, allowed } = judgeCaller(caller, { action: asked, resource, keys: context.keys });
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

async function subjectArn({ on }: IamAction, context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  switch (on) {
    case 'account':
      return '*';
    case 'user':
    case 'group':
    case 'role':
      return namedArn(on, context);
    case 'policy':
      return params.has('PolicyArn')
        ? params.raw('PolicyArn')
        : entityArn(account, 'policy', { path: pathParameter(context), name: params.raw('PolicyName') });
    case 'oidc':
      return params.has('OpenIDConnectProviderArn')
        ? params.raw('OpenIDConnectProviderArn')
        : oidcProviderArn(account, providerKey(params.raw('Url')));
    case 'key': {
      const key = await reader.get('key', params.raw('AccessKeyId'));
      const user = key?.user === undefined || key.user === null ? null : await reader.get('user', key.user);
      return user === null ? '*' : entityArn(account, 'user', user);
    }
  }
}

/** By name; one that is not there yet as it would be created. Without a UserName, the caller. */
async function namedArn(kind: 'user' | 'group' | 'role', context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const parameter = { user: 'UserName', group: 'GroupName', role: 'RoleName' }[kind];
  if (kind === 'user' && !params.has(parameter)) return callerOf(context).arn;
  const name = params.raw(parameter);
  const found = await findEntity(reader, kind, name);
  return entityArn(account, kind, found?.entity ?? { path: pathParameter(context), name });
}

/** Checked by the action itself. */
function pathParameter({ params }: IamContext): string {
  return params.has('Path') ? params.raw('Path') : '/';
}
