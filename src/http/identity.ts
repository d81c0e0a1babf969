/** Credential -> Identity: which groups a caller is in and what a master key may do. */
import type { AuthResult, Credential } from '../auth/types.js';
import { rootCaller } from '../iam/iam-caller.js';
import type { Identity, MasterPowers } from '../s3/context.js';
import { ANONYMOUS } from '../s3/context.js';

/** Pithos's names of AllUsers and AuthenticatedUsers; ACLs written by it may hold them. */
const EVERY_CALLERS_GROUPS = ['authenticated-users', 'anonymous'];

export function identityOf(
  auth: AuthResult,
  headers: Readonly<Record<string, string>>,
  powers: MasterPowers,
): Identity {
  if (auth.kind === 'anonymous') return ANONYMOUS;
  const { credential } = auth;
  const tenant = headers['x-amz-masquerade-tenant'];
  if (tenant !== undefined && credential.master && powers.masquerade)
    return {
      kind: 'signed',
      tenant,
      displayName: tenant,
      memberOf: EVERY_CALLERS_GROUPS,
      master: false,
      credential,
      caller: rootCaller(tenant),
    };
  return identityOfCredential(credential, powers);
}

export function identityOfCredential(credential: Credential, powers: MasterPowers): Identity {
  return {
    kind: 'signed',
    tenant: credential.tenant,
    displayName: credential.displayName,
    memberOf: [...credential.memberOf, ...EVERY_CALLERS_GROUPS],
    master: credential.master && powers.access,
    credential,
    caller: credential.caller ?? rootCaller(credential.tenant),
  };
}
