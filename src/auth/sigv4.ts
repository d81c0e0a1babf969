/**
 * AWS Signature Version 4 for requests, in the Authorization header or presigned into the query.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 *
 * S3's dialect: the path is encoded once and never normalised.
 */
import { S3Error } from '../s3/errors.js';
import { ChunkVerifier } from './chunk-verifier.js';
import { formatIsoBasic, parseIsoBasic, parseRequestDate } from './dates.js';
import { canonicalHeaderValue, canonicalPath } from './encoding.js';
import * as failures from './failures.js';
import { findCredential, type ResolvedOptions } from './options.js';
import { planPayload, UNSIGNED_PAYLOAD } from './payload-plan.js';
import { canonicalQuery, type QueryParameter } from './query.js';
import { sha256Hex, signaturesEqual, type SigningKeyCache, signV4 } from './signatures.js';
import * as v4 from './sigv4-request.js';
import type { Credential, SignedResult, SigningRequest } from './types.js';

const SIGNED_HEADER_LISTS = 256;
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** Everything that goes into one verification. */
interface Claim {
  readonly request: SigningRequest;
  readonly scope: v4.CredentialScope;
  readonly isoDate: string;
  readonly signedHeaders: v4.SignedHeaders;
  readonly signature: string;
  readonly canonicalQuery: string;
  readonly payloadHash: string;
}

export class SigV4 {
  readonly #options: ResolvedOptions;
  readonly #keys: SigningKeyCache;
  readonly #headerLists = new v4.SignedHeadersParser(SIGNED_HEADER_LISTS);

  constructor(options: ResolvedOptions, keys: SigningKeyCache) {
    this.#options = options;
    this.#keys = keys;
  }

  /** Authenticates by the Authorization header; `components` is its value after the algorithm. */
  async header(
    request: SigningRequest,
    components: string,
    parameters: readonly QueryParameter[],
  ): Promise<SignedResult> {
    const { headers } = request;
    const parsed = v4.parseAuthorizationV4(components);
    const scope = v4.parseScope(parsed.credential, v4.headerScopeFault);
    const isoDate = this.#headerDate(headers);
    v4.checkScope(scope, { isoDate, policy: this.#options, fault: v4.headerScopeFault });
    const contentSha256 = headers['x-amz-content-sha256'];
    const claim: Claim = {
      request,
      scope,
      isoDate,
      signedHeaders: this.#headerLists.parse(parsed.signedHeaders),
      signature: parsed.signature,
      canonicalQuery: canonicalQuery(parameters, null),
      payloadHash: contentSha256 ?? bodyHash(request, scope.service),
    };
    const credential = await findCredential(this.#options.lookup, scope.accessKey, headers['x-amz-security-token']);
    return this.#verified(claim, { credential, contentSha256, carrier: 'header', hoistedHeaders: NO_HEADERS });
  }

  /** Authenticates a presigned URL. */
  async query(request: SigningRequest, parameters: readonly QueryParameter[]): Promise<SignedResult> {
    const { headers } = request;
    const parsed = v4.parsePresignedV4(parameters);
    const scope = v4.parseScope(parsed.credential, v4.queryScopeFault);
    this.#checkPresignedTime(parsed);
    v4.checkScope(scope, { isoDate: parsed.date, policy: this.#options, fault: v4.queryScopeFault });
    const contentSha256 = headers['x-amz-content-sha256'] ?? parsed.contentSha256;
    const claim: Claim = {
      request,
      scope,
      isoDate: parsed.date,
      signedHeaders: this.#headerLists.parse(parsed.signedHeaders),
      signature: parsed.signature,
      canonicalQuery: canonicalQuery(parameters, 'X-Amz-Signature'),
      payloadHash: contentSha256 ?? presignedBodyHash(request, scope.service),
    };
    const token = parsed.sessionToken ?? headers['x-amz-security-token'];
    const credential = await findCredential(this.#options.lookup, scope.accessKey, token);
    const hoistedHeaders = v4.hoistedAmzHeaders(parameters, headers);
    return this.#verified(claim, { credential, contentSha256, carrier: 'query', hoistedHeaders });
  }

  #headerDate(headers: Readonly<Record<string, string>>): string {
    const given = headers['x-amz-date'] ?? headers.date;
    if (given === undefined) throw failures.dateRequired();
    const basicMs = parseIsoBasic(given);
    const requestMs = basicMs ?? parseRequestDate(given);
    if (requestMs === null) throw failures.dateRequired();
    const nowMs = this.#options.now();
    const { maxSkewMs } = this.#options;
    if (Math.abs(nowMs - requestMs) > maxSkewMs) {
      throw failures.timeTooSkewed({ requestTime: given, nowMs, maxSkewMs });
    }
    return basicMs === null ? formatIsoBasic(requestMs) : given;
  }

  #checkPresignedTime({ date, expiresSeconds }: v4.PresignedV4): void {
    const signedMs = parseIsoBasic(date);
    if (signedMs === null) {
      throw failures.queryParameters("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
    }
    const nowMs = this.#options.now();
    if (signedMs - nowMs > this.#options.maxSkewMs) throw failures.accessDenied('Request is not valid yet');
    const expiresMs = signedMs + expiresSeconds * 1000;
    if (nowMs >= expiresMs) throw failures.requestExpired({ expiresMs, nowMs, expiresSeconds });
  }

  #verified(
    claim: Claim,
    facts: Pick<SignedResult, 'credential' | 'carrier' | 'hoistedHeaders'> & { contentSha256: string | undefined },
  ): SignedResult {
    const { request, scope, isoDate, signedHeaders } = claim;
    const { credential } = facts;
    requireSignedHeaders(request.headers, signedHeaders.set);
    const { signingKey, seedSignature } = this.#verify(claim, credential);
    const payload = planPayload({
      contentSha256: facts.contentSha256,
      headers: request.headers,
      chunkVerifier: () =>
        new ChunkVerifier({
          accessKey: scope.accessKey,
          signingKey,
          timestamp: isoDate,
          scope: scope.text,
          seedSignature,
        }),
    });
    return {
      kind: 'signed',
      credential,
      version: 'v4',
      carrier: facts.carrier,
      signedHeaders: signedHeaders.set,
      payload,
      region: scope.region,
      service: scope.service,
      hoistedHeaders: facts.hoistedHeaders,
    };
  }

  #verify(claim: Claim, credential: Credential): { signingKey: Buffer; seedSignature: string } {
    const { scope, isoDate, signature, request } = claim;
    const signingKey = this.#keys.get(credential, scope);
    const path = canonicalPath(request.rawPath);
    const canonicalRequest = buildCanonicalRequest(claim, path);
    const stringToSign = buildStringToSign(isoDate, scope.text, canonicalRequest);
    if (signaturesEqual(signV4(signingKey, stringToSign), signature)) {
      this.#keys.keep(credential, scope, signingKey);
      return { signingKey, seedSignature: signature };
    }
    // Some clients sign the path in just the form they send it. It names the same key, so accepting it gives nothing away.
    if (request.rawPath !== path && request.rawPath !== '') {
      const asSent = buildStringToSign(isoDate, scope.text, buildCanonicalRequest(claim, request.rawPath));
      if (signaturesEqual(signV4(signingKey, asSent), signature)) return { signingKey, seedSignature: signature };
    }
    throw failures.signatureDoesNotMatch({
      accessKey: scope.accessKey,
      provided: signature,
      stringToSign,
      canonicalRequest,
    });
  }
}

function bodyHash(request: SigningRequest, service: string): string {
  if (service !== 's3' && request.bodySha256Hex !== undefined) return request.bodySha256Hex;
  throw new S3Error('InvalidRequest', { message: 'Missing required header for this request: x-amz-content-sha256' });
}

/** Only S3 leaves bodies out of presigned URLs. */
function presignedBodyHash(request: SigningRequest, service: string): string {
  return service === 's3' ? UNSIGNED_PAYLOAD : (request.bodySha256Hex ?? UNSIGNED_PAYLOAD);
}

/** The Host header and every x-amz-* header must be under the signature: S3 acts on them. */
function requireSignedHeaders(headers: Readonly<Record<string, string>>, signed: ReadonlySet<string>): void {
  const missing: string[] = signed.has('host') ? [] : ['host'];
  for (const name in headers) {
    if (name.startsWith('x-amz-') && !signed.has(name)) missing.push(name);
  }
  if (missing.length > 0) throw failures.headersNotSigned(missing);
}

function buildCanonicalRequest(claim: Claim, path: string): string {
  const { request, signedHeaders } = claim;
  let text = request.method + '\n' + path + '\n' + claim.canonicalQuery + '\n';
  for (const name of signedHeaders.names) {
    // A listed header that was not sent counts as empty, and hasOwn keeps 'constructor' from being found.
    const value = Object.hasOwn(request.headers, name) ? request.headers[name] : undefined;
    text += name + ':' + (value === undefined ? '' : canonicalHeaderValue(value)) + '\n';
  }
  return text + '\n' + signedHeaders.text + '\n' + claim.payloadHash;
}

function buildStringToSign(isoDate: string, scope: string, canonicalRequest: string): string {
  return v4.ALGORITHM + '\n' + isoDate + '\n' + scope + '\n' + sha256Hex(canonicalRequest);
}
