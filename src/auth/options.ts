/** What the two signature schemes share: the options of the Authenticator, and the steps that are the same in both. */
import { timingSafeEqual } from 'node:crypto';
import { invalidToken, unknownAccessKey } from './failures.js';
import type { Credential, CredentialLookup } from './types.js';

export interface AuthenticatorOptions {
  readonly lookup: CredentialLookup;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How far a request's date may be from `now`, either way. Default: 15 minutes, AWS's value. */
  readonly maxSkewMs?: number;
  /** Whether a credential scope may name this region. Default: any region. */
  readonly acceptRegion?: (region: string) => boolean;
  /** The region that error messages name as the right one. Default: us-east-1. */
  readonly region?: string;
  /** Services a credential scope may name. Default: s3. */
  readonly services?: readonly string[];
  /** How many derived signing keys are cached. Default: 1024. */
  readonly signingKeys?: number;
}

export type ResolvedOptions = Required<AuthenticatorOptions>;

const MAX_SKEW_MS = 15 * 60 * 1000;
const SIGNING_KEYS = 1024;

export function resolveOptions(options: AuthenticatorOptions): ResolvedOptions {
  return {
    lookup: options.lookup,
    now: options.now,
    maxSkewMs: options.maxSkewMs ?? MAX_SKEW_MS,
    acceptRegion: options.acceptRegion ?? (() => true),
    region: options.region ?? 'us-east-1',
    services: options.services ?? ['s3'],
    signingKeys: options.signingKeys ?? SIGNING_KEYS,
  };
}

/**
 * The credential of an access key; throws InvalidAccessKeyId, InvalidToken when the session token does not fit, and whatever
 * the lookup throws.
 */
export async function findCredential(
  lookup: CredentialLookup,
  accessKey: string,
  sessionToken: string | undefined,
): Promise<Credential> {
  const found = lookup(accessKey, sessionToken);
  // A key store in memory answers at once: no turn of the microtask queue for it.
  const credential = found instanceof Promise ? await found : found;
  if (credential === null) throw unknownAccessKey(accessKey);
  if (!tokenFits(credential.sessionToken, sessionToken)) throw invalidToken();
  return credential;
}

function tokenFits(expected: string | undefined, given: string | undefined): boolean {
  if (expected === undefined || given === undefined) return expected === given;
  const expectedBytes = Buffer.from(expected, 'utf8');
  const givenBytes = Buffer.from(given, 'utf8');
  return expectedBytes.length === givenBytes.length && timingSafeEqual(expectedBytes, givenBytes);
}
