/**
 * Session tokens: temporary credentials with everything that makes them, sealed. No gateway stores them; every gateway that has
 * the deployment's master keys opens them.
 */
import type { Sealer } from './iam-secrets.js';
import type { SessionFacts } from './iam-callers.js';

/** Whose session it is. Documents are looked up at each use: what is revoked is revoked for its sessions. */
export type SessionOf =
  /** of a long-term key, by GetSessionToken */
  | { readonly kind: 'key'; readonly parentKey: string }
  /** by GetFederationToken */
  | { readonly kind: 'federated'; readonly parentKey: string; readonly name: string }
  | { readonly kind: 'role'; readonly role: string; readonly roleId: string; readonly sessionName: string };

export interface SessionClaims {
  readonly accessKey: string;
  readonly secret: string;
  readonly account: string;
  /** ms since the epoch */
  readonly expiresAtMs: number;
  readonly of: SessionOf;
  readonly session: SessionFacts;
}

const LABEL = 'session token';

export function sealToken(sealer: Sealer, claims: SessionClaims): string {
  return sealer.seal(JSON.stringify(claims), LABEL);
}

/** null: not one of this deployment's */
export function openToken(sealer: Sealer, token: string): SessionClaims | null {
  const text = sealer.open(token, LABEL);
  return text === null ? null : (JSON.parse(text) as SessionClaims);
}
