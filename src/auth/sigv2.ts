/**
 * AWS Signature Version 2 for S3, in the Authorization header or presigned into the query; s3cmd (signature_v2) and boto
 * still use it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 */
import { parseRequestDate } from './dates.js';
import { canonicalPath, displayText, percentDecode } from './encoding.js';
import * as failures from './failures.js';
import { findCredential, type ResolvedOptions } from './options.js';
import { planPayload } from './payload-plan.js';
import { queryValue, type QueryParameter } from './query.js';
import { signaturesEqual, signV2 } from './signatures.js';
import { hoistedAmzHeaders } from './sigv4-request.js';
import type { SignedResult, SigningRequest } from './types.js';

/**
 * Query parameters under the signature. Every one that selects an operation has to be here: a presigned PUT of an object
 * must not be turned into a PutObjectRetention by appending '?retention'.
 */
const SUB_RESOURCES: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'cors',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'retention',
  'select',
  'select-type',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
]);

const POSITIONAL_HEADERS = ['content-md5', 'content-type', 'date'];
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

interface Claim {
  readonly request: SigningRequest;
  readonly parameters: readonly QueryParameter[];
  readonly accessKey: string;
  readonly signature: string;
  /** The fourth line of the string to sign: the Date header, nothing, or a presigned URL's Expires. */
  readonly dateLine: string;
  readonly sessionToken: string | undefined;
  readonly carrier: 'header' | 'query';
  readonly hoistedHeaders: Readonly<Record<string, string>>;
}

export class SigV2 {
  readonly #options: ResolvedOptions;

  constructor(options: ResolvedOptions) {
    this.#options = options;
  }

  /** Authenticates by the Authorization header; `token` is its value after "AWS ". */
  async header(request: SigningRequest, token: string, parameters: readonly QueryParameter[]): Promise<SignedResult> {
    const { headers } = request;
    const colon = token.lastIndexOf(':');
    if (colon <= 0 || colon === token.length - 1) {
      throw failures.invalidArgument(
        'Authorization',
        displayText(headers.authorization ?? ''),
        'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature',
      );
    }
    this.#checkDate(headers['x-amz-date'] ?? headers.date);
    return this.#verified({
      request,
      parameters,
      accessKey: token.slice(0, colon),
      signature: token.slice(colon + 1),
      dateLine: headers['x-amz-date'] === undefined ? (headers.date ?? '').trim() : '',
      sessionToken: headers['x-amz-security-token'],
      carrier: 'header',
      hoistedHeaders: NO_HEADERS,
    });
  }

  /** Authenticates a presigned URL (AWSAccessKeyId, Expires, Signature). */
  async query(request: SigningRequest, parameters: readonly QueryParameter[]): Promise<SignedResult> {
    const accessKey = queryValue(parameters, 'AWSAccessKeyId');
    const expires = queryValue(parameters, 'Expires');
    // Base64 has '+', which careless clients leave unescaped.
    const signature = queryValue(parameters, 'Signature', { keepPlus: true });
    if (!accessKey || !expires || !signature) {
      throw failures.accessDenied(
        'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
      );
    }
    this.#checkExpires(expires);
    const hoistedHeaders = hoistedAmzHeaders(parameters, request.headers);
    for (const name of ['content-md5', 'content-type']) {
      const value = request.headers[name] === undefined ? queryValue(parameters, name) : undefined;
      if (value !== undefined) hoistedHeaders[name] = value;
    }
    const sessionToken = request.headers['x-amz-security-token'] ?? queryValue(parameters, 'x-amz-security-token');
    return this.#verified({
      request,
      parameters,
      accessKey,
      signature,
      dateLine: expires,
      sessionToken,
      carrier: 'query',
      hoistedHeaders,
    });
  }

  #checkDate(given: string | undefined): void {
    const requestMs = given === undefined ? null : parseRequestDate(given.trim());
    if (given === undefined || requestMs === null) throw failures.dateRequired();
    const nowMs = this.#options.now();
    const { maxSkewMs } = this.#options;
    if (Math.abs(nowMs - requestMs) > maxSkewMs) {
      throw failures.timeTooSkewed({ requestTime: given, nowMs, maxSkewMs });
    }
  }

  #checkExpires(expires: string): void {
    if (!/^\d{1,15}$/.test(expires)) {
      throw failures.accessDenied(`Invalid date (should be seconds since epoch): ${displayText(expires)}`);
    }
    const expiresMs = Number(expires) * 1000;
    const nowMs = this.#options.now();
    if (nowMs >= expiresMs) throw failures.requestExpired({ expiresMs, nowMs });
  }

  async #verified(claim: Claim): Promise<SignedResult> {
    const { request, accessKey, signature } = claim;
    const credential = await findCredential(this.#options.lookup, accessKey, claim.sessionToken);
    const amz = amzHeaders(claim);
    const head = stringToSignHead(claim, amz);
    const candidates = canonicalResources(claim);
    if (!candidates.some((resource) => signaturesEqual(signV2(credential.secret, head + resource), signature))) {
      const stringToSign = head + (candidates[0] ?? '');
      throw failures.signatureDoesNotMatch({ accessKey, provided: signature, stringToSign });
    }
    const signedHeaders = new Set([...amz.map(([name]) => name), ...POSITIONAL_HEADERS]);
    const contentSha256 = request.headers['x-amz-content-sha256'];
    return {
      kind: 'signed',
      credential,
      version: 'v2',
      carrier: claim.carrier,
      signedHeaders,
      payload: planPayload({ contentSha256, headers: request.headers, chunkVerifier: null }),
      hoistedHeaders: claim.hoistedHeaders,
    };
  }
}

/** The x-amz-* headers in order of name, with those that a presigned URL carries as parameters. */
function amzHeaders(claim: Claim): readonly (readonly [string, string])[] {
  const { headers } = claim.request;
  const found: [string, string][] = [];
  for (const name in headers) {
    if (name.startsWith('x-amz-')) found.push([name, headers[name] ?? '']);
  }
  for (const name in claim.hoistedHeaders) {
    if (name.startsWith('x-amz-')) found.push([name, claim.hoistedHeaders[name] ?? '']);
  }
  if (claim.carrier === 'query' && claim.sessionToken !== undefined && headers['x-amz-security-token'] === undefined) {
    found.push(['x-amz-security-token', claim.sessionToken]);
  }
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

function stringToSignHead(claim: Claim, amz: readonly (readonly [string, string])[]): string {
  const { headers, method } = claim.request;
  const md5 = (headers['content-md5'] ?? claim.hoistedHeaders['content-md5'] ?? '').trim();
  const type = (headers['content-type'] ?? claim.hoistedHeaders['content-type'] ?? '').trim();
  let text = method + '\n' + md5 + '\n' + type + '\n' + claim.dateLine + '\n';
  for (const [name, value] of amz) text += name + ':' + unfold(value) + '\n';
  return text;
}

function unfold(value: string): string {
  return value.includes('\n')
    ? value
        .split('\n')
        .map((line) => line.trim())
        .join(' ')
    : value.trim();
}

/**
 * The canonical resource in the forms that clients sign, the documented one first: path as sent, sub-resource values
 * decoded, no '=' without a value. All of them name the same resource, so accepting any gives nothing away.
 */
function canonicalResources(claim: Claim): readonly string[] {
  const { rawPath, vhostBucket } = claim.request;
  const bucket = vhostBucket === null ? '' : '/' + vhostBucket;
  const subResources = claim.parameters
    .filter(({ rawName }) => SUB_RESOURCES.has(rawName))
    .sort((a, b) => (a.rawName < b.rawName ? -1 : a.rawName > b.rawName ? 1 : 0));
  const decoded = join(subResources, (raw) => (raw ? '=' + decodedValue(raw) : ''));
  const asSent = join(subResources, (raw) => (raw === null ? '' : '=' + raw));
  const sentPath = rawPath === '' ? '/' : rawPath;
  const candidates = new Set<string>();
  const paths = [sentPath, canonicalPath(sentPath)];
  // botocore signs "/bucket/" when it sends "/bucket".
  if (vhostBucket === null && sentPath.lastIndexOf('/') === 0 && sentPath !== '/') paths.push(sentPath + '/');
  for (const path of paths) {
    candidates.add(bucket + path + decoded).add(bucket + path + asSent);
  }
  return [...candidates];
}

/**
 * A value as clients sign it: decoded. Left as sent where decoding would spell a further sub-resource: '?partNumber=1'
 * with an encoded '&uploadId=x' behind it must not pass for '?partNumber=1&uploadId=x'.
 */
function decodedValue(raw: string): string {
  const value = percentDecode(raw, { plusIsSpace: true });
  const [, ...further] = value.split('&');
  return further.some((piece) => SUB_RESOURCES.has(piece.split('=', 1)[0] ?? '')) ? raw : value;
}

function join(parameters: readonly QueryParameter[], value: (raw: string | null) => string): string {
  return parameters
    .map(({ rawName, rawValue }, index) => (index === 0 ? '?' : '&') + rawName + value(rawValue))
    .join('');
}
