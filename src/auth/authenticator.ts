/**
 * Who sent this request? Finds the one signature it carries and verifies it, or says that it is anonymous because it
 * carries none. A request that tries to authenticate and fails is refused; it never becomes anonymous.
 */
import * as failures from './failures.js';
import { displayText } from './encoding.js';
import { resolveOptions, type AuthenticatorOptions } from './options.js';
import { planPayload } from './payload-plan.js';
import { PostFormAuthenticator } from './post-form.js';
import { parseRawQuery, type QueryParameter } from './query.js';
import { SigningKeyCache } from './signatures.js';
import { SigV2 } from './sigv2.js';
import { SigV4 } from './sigv4.js';
import { ALGORITHM } from './sigv4-request.js';
import type { AuthResult, PostFormResult, SigningRequest } from './types.js';

export type { AuthenticatorOptions } from './options.js';

const V4_PREFIX = ALGORITHM + ' ';
const V4A_PREFIX = 'AWS4-ECDSA-P256-SHA256';
const V2_PREFIX = 'AWS ';

/** Safe for concurrent use; its only state is the cache of derived keys. */
export class Authenticator {
  readonly #v2: SigV2;
  readonly #v4: SigV4;
  readonly #forms: PostFormAuthenticator;

  constructor(options: AuthenticatorOptions) {
    const resolved = resolveOptions(options);
    const keys = new SigningKeyCache(resolved.signingKeys);
    this.#v2 = new SigV2(resolved);
    this.#v4 = new SigV4(resolved, keys);
    this.#forms = new PostFormAuthenticator(resolved, keys);
  }

  /**
   * Verifies a request's signature. Throws S3Error: SignatureDoesNotMatch, InvalidAccessKeyId, InvalidToken,
   * AccessDenied (no date, expired, unsigned headers), RequestTimeTooSkewed, AuthorizationHeaderMalformed,
   * AuthorizationQueryParametersError, InvalidArgument, InvalidRequest, MissingContentLength, NotImplemented; and
   * whatever the credential lookup throws.
   */
  async authenticate(request: SigningRequest): Promise<AuthResult> {
    const parameters = parseRawQuery(request.rawQuery);
    const inQuery = parameters.length === 0 ? null : signatureInQuery(parameters);
    // An empty header carries no signature: it counts as absent.
    const authorization = request.headers.authorization;
    if (authorization) {
      if (inQuery !== null) throw failures.oneMechanismOnly(authorization);
      if (authorization.startsWith(V4_PREFIX)) {
        return this.#v4.header(request, authorization.slice(V4_PREFIX.length), parameters);
      }
      if (authorization.startsWith(V2_PREFIX)) {
        return this.#v2.header(request, authorization.slice(V2_PREFIX.length), parameters);
      }
      throw unsupportedAuthorization(authorization);
    }
    switch (inQuery) {
      case 'both':
        throw failures.oneMechanismOnly('');
      case 'v4':
        return this.#v4.query(request, parameters);
      case 'v2':
        return this.#v2.query(request, parameters);
      case null:
        return {
          kind: 'anonymous',
          payload: planPayload({
            contentSha256: request.headers['x-amz-content-sha256'],
            headers: request.headers,
            chunkVerifier: null,
          }),
        };
    }
  }

  /**
   * Verifies the signature of a POST form (field names in lower case, values as sent) and parses its policy, refusing an
   * expired one. Whether the form satisfies the policy is for evaluatePostPolicy. Throws as authenticate does, and
   * InvalidPolicyDocument.
   */
  async authenticatePostForm(fields: ReadonlyMap<string, string>): Promise<PostFormResult> {
    return this.#forms.authenticate(fields);
  }
}

function unsupportedAuthorization(authorization: string): Error {
  if (authorization.startsWith(V4A_PREFIX)) return failures.asymmetricNotImplemented(V4A_PREFIX);
  if (authorization.startsWith(ALGORITHM)) {
    return failures.headerMalformed(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    );
  }
  return failures.invalidArgument('Authorization', displayText(authorization), 'Unsupported Authorization Type');
}

/** Which scheme's parameters a query holds; any of them is an attempt to authenticate, however incomplete. */
function signatureInQuery(parameters: readonly QueryParameter[]): 'v2' | 'v4' | 'both' | null {
  let v2 = false;
  let v4 = false;
  for (const { canonicalName: name } of parameters) {
    if (name === 'AWSAccessKeyId' || name === 'Signature') v2 = true;
    else if (name.length >= 15 && name.length <= 16) v4 ||= isV4Parameter(name);
  }
  if (v2 && v4) return 'both';
  return v2 ? 'v2' : v4 ? 'v4' : null;
}

function isV4Parameter(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === 'x-amz-algorithm' || lower === 'x-amz-credential' || lower === 'x-amz-signature';
}
