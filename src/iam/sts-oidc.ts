/**
 * Verifies web identity tokens against their OpenID Connect provider: discovery, its key set (remembered within bounds), and the
 * token's signature, issuer, audience and times.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
import { createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose';
import type { JSONWebKeySet, JWTPayload } from 'jose';
import { IamError } from './iam-errors.js';
import type { OidcDocument } from './iam-store.js';
import { getJson } from './sts-https.js';

/** How long a provider's keys are used without asking again. */
const KEYS_TTL_MS = 5 * 60_000;
/** A token with a key that is not among them makes the keys be asked for again, at most so often. */
const REFRESH_INTERVAL_MS = 10_000;
const MAX_PROVIDERS = 1000;
const CLOCK_TOLERANCE_SECONDS = 60;
/** No symmetric ones: a provider's secrets are not known here. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

type LocalJWKSet = ReturnType<typeof createLocalJWKSet>;

interface KnownKeys {
  readonly keys: LocalJWKSet;
  readonly readAtMs: number;
}

export interface OidcToken {
  readonly subject: string;
  /** the one of the provider's client ids that the token is for */
  readonly audience: string;
  readonly claims: JWTPayload;
}

/** The issuer that an unverified token names. @throws IamError InvalidIdentityToken */
export function issuerOf(token: string): string {
  try {
    const { iss } = decodeJwt(token);
    if (typeof iss === 'string') return iss;
  } catch (error) {
    throw new IamError('InvalidIdentityToken', 'The web identity token is not a JSON Web Token.', error);
  }
  throw new IamError('InvalidIdentityToken', 'Missing a required claim: iss');
}

/** Safe for concurrent use; its only state is the keys of providers. */
export class OidcVerifier {
  readonly #now: () => number;
  readonly #known = new Map<string, KnownKeys>();

  constructor(options: { readonly now: () => number }) {
    this.#now = options.now;
  }

  /**
   * @throws IamError InvalidIdentityToken (not the provider's, for another audience), ExpiredTokenException, IDPCommunicationError
   */
  async verify(token: string, provider: OidcDocument, signal: AbortSignal): Promise<OidcToken> {
    const before = await this.#keys(provider, signal);
    let claims: JWTPayload;
    try {
      claims = await this.#verified(token, provider, before.keys);
    } catch (error) {
      const mayBeNew = error instanceof errors.JWKSNoMatchingKey;
      if (!mayBeNew || this.#now() - before.readAtMs < REFRESH_INTERVAL_MS) throw rejected(error);
      this.#known.delete(cacheKey(provider));
      const { keys } = await this.#keys(provider, signal);
      claims = await this.#verified(token, provider, keys).catch((again: unknown) => {
        throw rejected(again);
      });
    }
    const audience = audienceOf(claims, provider);
    if (audience === null) throw new IamError('InvalidIdentityToken', 'Incorrect token audience');
    if (typeof claims.sub !== 'string' || claims.sub === '')
      throw new IamError('InvalidIdentityToken', 'Missing a required claim: sub');
    return { subject: claims.sub, audience, claims };
  }

  async #verified(token: string, { url }: OidcDocument, keys: LocalJWKSet): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, keys, {
      issuer: url,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(this.#now()),
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    });
    return payload;
  }

  async #keys(provider: OidcDocument, signal: AbortSignal): Promise<KnownKeys> {
    const cached = cacheKey(provider);
    const known = this.#known.get(cached);
    if (known !== undefined && this.#now() - known.readAtMs < KEYS_TTL_MS) return known;
    const read: KnownKeys = { keys: await readKeys(provider, signal), readAtMs: this.#now() };
    if (this.#known.size >= MAX_PROVIDERS) this.#known.clear();
    this.#known.set(cached, read);
    return read;
  }
}

/** What the keys were read by decides who may use them: thumbprints too. */
function cacheKey({ url, thumbprints }: OidcDocument): string {
  return JSON.stringify([url, thumbprints]);
}

async function readKeys({ url, thumbprints }: OidcDocument, signal: AbortSignal): Promise<LocalJWKSet> {
  try {
    const discovery = await getJson({
      url: `${url.replace(/\/$/, '')}/.well-known/openid-configuration`,
      thumbprints,
      signal,
    });
    if (!isRecord(discovery) || discovery['issuer'] !== url)
      throw new Error(`the provider does not call itself ${url}`);
    const { jwks_uri: keysUrl } = discovery;
    if (typeof keysUrl !== 'string') throw new Error('the provider names no key set (jwks_uri)');
    return createLocalJWKSet((await getJson({ url: keysUrl, thumbprints, signal })) as JSONWebKeySet);
  } catch (error) {
    throw new IamError(
      'IDPCommunicationError',
      "Couldn't retrieve verification key from your identity provider",
      error,
    );
  }
}

/** azp, where a token has several audiences; else its audience. */
function audienceOf(claims: JWTPayload, { clientIds }: OidcDocument): string | null {
  const { aud } = claims;
  const audiences = typeof aud === 'string' ? [aud] : (aud ?? []);
  const { azp } = claims;
  if (audiences.length > 1 && typeof azp === 'string') return clientIds.includes(azp) ? azp : null;
  return audiences.find((audience) => clientIds.includes(audience)) ?? null;
}

function rejected(error: unknown): IamError {
  if (error instanceof IamError) return error;
  if (error instanceof errors.JWTExpired)
    return new IamError(
      'ExpiredTokenException',
      'Token expired: the web identity token that was passed is expired',
      error,
    );
  const reason = error instanceof errors.JOSEError ? `: ${error.message}` : '';
  return new IamError('InvalidIdentityToken', `The web identity token could not be verified${reason}`, error);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
