/** ARNs and unique ids of the identity service. An account is a tenant: its id in ARNs is the tenant's name. */
import { randomBytes, randomInt } from 'node:crypto';
import { splitArn } from './policy-arn.js';

export function rootArn(account: string): string {
  return `arn:aws:iam::${account}:root`;
}

export type Named = 'user' | 'group' | 'role' | 'policy';

/** path: begins and ends with '/' */
export function entityArn(account: string, kind: Named, { path, name }: { path: string; name: string }): string {
  return `arn:aws:iam::${account}:${kind}${path}${name}`;
}

export function oidcProviderArn(account: string, urlWithoutScheme: string): string {
  return `arn:aws:iam::${account}:oidc-provider/${urlWithoutScheme}`;
}

export function assumedRoleArn(account: string, role: string, session: string): string {
  return `arn:aws:sts::${account}:assumed-role/${role}/${session}`;
}

export function federatedUserArn(account: string, name: string): string {
  return `arn:aws:sts::${account}:federated-user/${name}`;
}

export interface EntityArn {
  readonly account: string;
  readonly path: string;
  readonly name: string;
}

/** The parts of 'arn:aws:iam::ACCOUNT:KIND/path/name'; null when it is not an ARN of that kind. */
export function parseEntityArn(arn: string, kind: Named): EntityArn | null {
  const [, , service, region, account = '', resource = ''] = splitArn(arn) ?? [];
  if (service !== 'iam' || region !== '' || !resource.startsWith(`${kind}/`)) return null;
  const slash = resource.lastIndexOf('/');
  return { account, path: resource.slice(kind.length, slash + 1), name: resource.slice(slash + 1) };
}

/** 'host/path' of an OIDC provider's ARN. */
export function parseOidcProviderArn(arn: string): { readonly account: string; readonly url: string } | null {
  const [, , service, region, account = '', resource = ''] = splitArn(arn) ?? [];
  if (service !== 'iam' || region !== '' || !resource.startsWith('oidc-provider/')) return null;
  return { account, url: resource.slice('oidc-provider/'.length) };
}

/** AWS's prefixes: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes */
export type IdPrefix = 'AIDA' | 'AGPA' | 'AROA' | 'ANPA' | 'AKIA' | 'ASIA';

const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ID_LENGTH = 17;
const KEY_LENGTH = 16;

/** 80 bits and more, in AWS's form. */
export function newId(prefix: IdPrefix): string {
  const length = prefix === 'AKIA' || prefix === 'ASIA' ? KEY_LENGTH : ID_LENGTH;
  let id: string = prefix;
  for (let i = 0; i < length; i++) id += ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length));
  return id;
}

/** 40 characters of base64, as AWS's are. */
export function newSecret(): string {
  return randomBytes(30).toString('base64');
}
