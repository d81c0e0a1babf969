/** Parsing of what a SigV4 request says about its own signature, from the Authorization header or the query. */
import { accessDenied, headerMalformed, queryParameters } from './failures.js';
import { queryValue, type QueryParameter } from './query.js';
import type { SigningScope } from './signatures.js';
import type { S3Error } from '../s3/errors.js';

export const ALGORITHM = 'AWS4-HMAC-SHA256';
const TERMINATOR = 'aws4_request';

/** Makes the error for a fault in a credential scope: header, query and form answer different codes. */
export type ScopeFault = (reason: string, detail?: Record<string, string>) => S3Error;

export interface CredentialScope extends SigningScope {
  readonly accessKey: string;
  /** "date/region/service/aws4_request" */
  readonly text: string;
}

export interface SignedHeaders {
  /** As the signer listed them. */
  readonly text: string;
  readonly names: readonly string[];
  readonly set: ReadonlySet<string>;
}

export interface AuthorizationV4 {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

/** Parses the header after its algorithm: three components in any order, with or without spaces after the commas. */
export function parseAuthorizationV4(components: string): AuthorizationV4 {
  let credential: string | undefined;
  let signedHeaders: string | undefined;
  let signature: string | undefined;
  for (const component of components.split(',')) {
    const equals = component.indexOf('=');
    if (equals < 0) throw headerMalformed(`the authorization component "${component.trim()}" is malformed.`);
    const value = component.slice(equals + 1).trim();
    switch (component.slice(0, equals).trim()) {
      case 'Credential':
        credential = value;
        break;
      case 'SignedHeaders':
        signedHeaders = value;
        break;
      case 'Signature':
        signature = value;
        break;
      default:
        throw headerMalformed(`the authorization component "${component.trim()}" is malformed.`);
    }
  }
  if (!credential || !signedHeaders || !signature) {
    throw headerMalformed(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    );
  }
  return { credential, signedHeaders, signature };
}

export const headerScopeFault: ScopeFault = (reason, detail) => headerMalformed(reason, detail);

export const queryScopeFault: ScopeFault = (reason, detail) =>
  queryParameters(`Error parsing the X-Amz-Credential parameter; ${reason}`, detail);

/** Splits "AKID/date/region/service/aws4_request", checking its form and terminator. */
export function parseScope(credential: string, fault: ScopeFault): CredentialScope {
  const terminatorAt = credential.lastIndexOf('/');
  const serviceAt = credential.lastIndexOf('/', terminatorAt - 1);
  const regionAt = credential.lastIndexOf('/', serviceAt - 1);
  const dateAt = credential.lastIndexOf('/', regionAt - 1);
  if (terminatorAt <= 0 || serviceAt <= 0 || regionAt <= 0 || dateAt < 0 || dateAt >= regionAt) {
    throw fault(`the Credential is mis-formatted; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/${TERMINATOR}".`);
  }
  const accessKey = credential.slice(0, dateAt);
  if (accessKey === '') throw fault('a non-empty Access Key (AKID) must be provided in the credential.');
  const terminator = credential.slice(terminatorAt + 1);
  if (terminator !== TERMINATOR) throw fault(`incorrect terminal "${terminator}". This endpoint uses "${TERMINATOR}".`);
  const date = credential.slice(dateAt + 1, regionAt);
  if (!/^\d{8}$/.test(date))
    throw fault(`incorrect date format "${date}". This date must be in the format "yyyyMMdd".`);
  return {
    accessKey,
    date,
    region: credential.slice(regionAt + 1, serviceAt),
    service: credential.slice(serviceAt + 1, terminatorAt),
    text: credential.slice(dateAt + 1),
  };
}

export interface ScopePolicy {
  readonly services: readonly string[];
  readonly region: string;
  readonly acceptRegion: (region: string) => boolean;
}

/** Checks that a scope is for the request's day, for a service served here and for an accepted region. */
export function checkScope(
  scope: CredentialScope,
  check: { readonly isoDate: string; readonly policy: ScopePolicy; readonly fault: ScopeFault },
): void {
  const { isoDate, policy, fault } = check;
  if (!isoDate.startsWith(scope.date)) {
    throw fault(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${isoDate.slice(0, 8)}".`,
    );
  }
  if (!policy.services.includes(scope.service)) {
    throw fault(`incorrect service "${scope.service}". This endpoint belongs to "${policy.services[0] ?? 's3'}".`);
  }
  if (!policy.acceptRegion(scope.region)) {
    throw fault(`the region '${scope.region}' is wrong; expecting '${policy.region}'`, { Region: policy.region });
  }
}

/** Parses lists of signed headers, remembering the few that clients really use. */
export class SignedHeadersParser {
  readonly #capacity: number;
  readonly #known = new Map<string, SignedHeaders>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  parse(text: string): SignedHeaders {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const names = text.toLowerCase().split(';');
    const parsed = { text, names, set: new Set(names) };
    if (text.length <= 256) {
      if (this.#known.size >= this.#capacity) this.#known.clear();
      this.#known.set(text, parsed);
    }
    return parsed;
  }
}

const PRESIGNED_PARAMETERS = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
] as const;

// Lower-case names of the query parameters that authenticate, and thus are not headers moved into the URL.
const AUTHENTICATION_PARAMETERS: ReadonlySet<string> = new Set([
  ...PRESIGNED_PARAMETERS.map((name) => name.toLowerCase()),
  'x-amz-security-token',
  'x-amz-content-sha256',
]);

export interface PresignedV4 {
  readonly credential: string;
  /** X-Amz-Date, ISO 8601 basic (not yet checked). */
  readonly date: string;
  readonly expiresSeconds: number;
  readonly signedHeaders: string;
  readonly signature: string;
  readonly sessionToken: string | undefined;
  readonly contentSha256: string | undefined;
}

const MAX_EXPIRES_SECONDS = 604_800;
/** As long as any signed request holds. */
const DEFAULT_EXPIRES_SECONDS = 900;

/** Parses the six parameters of a presigned URL; throws AuthorizationQueryParametersError. */
export function parsePresignedV4(parameters: readonly QueryParameter[]): PresignedV4 {
  const values = PRESIGNED_PARAMETERS.map((name) => queryValue(parameters, name));
  const [algorithm, credential, date, expires, signedHeaders, signature] = values;
  if (algorithm !== undefined && algorithm !== ALGORITHM) {
    throw queryParameters(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  // Services other than S3 do without X-Amz-Expires.
  const forS3 = credential === undefined || credential.split('/').at(-2) === 's3';
  if (!algorithm || !credential || !date || (!expires && forS3) || !signedHeaders || !signature) {
    throw queryParameters(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  }
  return {
    credential,
    date,
    expiresSeconds: expires ? parseExpires(expires) : DEFAULT_EXPIRES_SECONDS,
    signedHeaders,
    signature,
    sessionToken: queryValue(parameters, 'X-Amz-Security-Token'),
    contentSha256: queryValue(parameters, 'X-Amz-Content-Sha256') ?? queryValue(parameters, 'x-amz-content-sha256'),
  };
}

/** A URL whose life is out of bounds is understood and refused: access is denied, as to an expired one. */
function parseExpires(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw queryParameters('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw accessDenied('X-Amz-Expires must be non-negative');
  if (seconds > MAX_EXPIRES_SECONDS) {
    throw accessDenied(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`,
    );
  }
  return seconds;
}

/** The x-amz-* query parameters that stand for headers: lower-case name -> decoded value. */
export function hoistedAmzHeaders(
  parameters: readonly QueryParameter[],
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  const hoisted: Record<string, string> = {};
  for (const { canonicalName } of parameters) {
    const name = canonicalName.toLowerCase();
    if (!name.startsWith('x-amz-') || AUTHENTICATION_PARAMETERS.has(name)) continue;
    // A header sent as such wins; a parameter given twice counts once, as for every query parameter.
    if (headers[name] !== undefined || hoisted[name] !== undefined) continue;
    hoisted[name] = queryValue(parameters, canonicalName) ?? '';
  }
  return hoisted;
}
