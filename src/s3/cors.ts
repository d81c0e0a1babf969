/**
 * Cross-origin rules: what a configuration may hold, which rule a request matches, and what browsers are answered.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html, https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import { S3Error } from './errors.js';

export interface CorsRule {
  readonly id?: string;
  /** exact, or with one '*' that stands for any text */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** any case; exact, or with one '*' */
  readonly allowedHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

export const MAX_CORS_RULES = 100;
const MAX_ID_LENGTH = 255;
const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'];

/** What a response depends on once its bucket has rules; without it caches answer one origin with another's headers. */
const VARY = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';

/** The rules of PutBucketCors. @throws S3Error InvalidRequest */
export function checkCorsRules(rules: readonly CorsRule[]): void {
  if (rules.length > MAX_CORS_RULES)
    throw invalid(`The number of CORS rules should not exceed allowed limit of ${MAX_CORS_RULES} rules.`);
  for (const rule of rules) {
    if (rule.id !== undefined && rule.id.length > MAX_ID_LENGTH)
      throw invalid(`The ID of a CORS rule must not be longer than ${MAX_ID_LENGTH} characters.`);
    for (const method of rule.allowedMethods)
      if (!METHODS.includes(method))
        throw invalid(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`);
    for (const origin of rule.allowedOrigins)
      if (wildcards(origin) > 1) throw invalid(`AllowedOrigin "${origin}" can not have more than one wildcard.`);
    for (const header of rule.allowedHeaders)
      if (wildcards(header) > 1) throw invalid(`AllowedHeader "${header}" can not have more than one wildcard.`);
    for (const header of rule.exposeHeaders)
      if (wildcards(header) > 0)
        throw invalid(
          `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
        );
  }
}

/** How a bucket's rules are kept in its documents. */
export function serialiseCors(rules: readonly CorsRule[]): string {
  return JSON.stringify(rules);
}

/** @throws Error when the stored text is not what serialiseCors wrote */
export function parseCors(text: string): readonly CorsRule[] {
  const rules: unknown = JSON.parse(text);
  if (!Array.isArray(rules)) throw new Error('the stored CORS rules are not a list');
  return rules as readonly CorsRule[];
}

export interface CorsRequest {
  readonly origin: string;
  /** of the request, or the one a preflight asks about */
  readonly method: string;
  /** a preflight's Access-Control-Request-Headers, split */
  readonly requestHeaders?: readonly string[];
}

/** Response headers of the first rule that matches; null when none does. */
export function matchCors(rules: readonly CorsRule[], request: CorsRequest): Record<string, string> | null {
  const wanted = request.requestHeaders ?? [];
  const rule = rules.find(
    (candidate) =>
      candidate.allowedOrigins.some((pattern) => matches(pattern, request.origin)) &&
      candidate.allowedMethods.includes(request.method) &&
      wanted.every((header) =>
        candidate.allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), header.toLowerCase())),
      ),
  );
  if (!rule) return null;
  const anyOrigin = rule.allowedOrigins.includes('*');
  return {
    'access-control-allow-origin': anyOrigin ? '*' : request.origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(wanted.length === 0 ? {} : { 'access-control-allow-headers': wanted.join(', ') }),
    ...(rule.exposeHeaders.length === 0 ? {} : { 'access-control-expose-headers': rule.exposeHeaders.join(', ') }),
    ...(rule.maxAgeSeconds === undefined ? {} : { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    // Browsers refuse credentials together with '*'.
    ...(anyOrigin ? {} : { 'access-control-allow-credentials': 'true' }),
    vary: VARY,
  };
}

type Headers = Readonly<Record<string, string | undefined>>;

/**
 * Headers to add to the answer of any request but OPTIONS, whatever its status. Nothing for a bucket without rules; Vary
 * alone when no rule matches. A request that names another method in Access-Control-Request-Method is matched by that one, as
 * on S3.
 */
export function corsHeaders(
  rules: readonly CorsRule[],
  request: { readonly method: string; readonly headers: Headers },
): Record<string, string> {
  if (rules.length === 0) return {};
  const origin = request.headers['origin'];
  if (origin === undefined || origin === '') return { vary: VARY };
  const method = request.headers['access-control-request-method'] ?? request.method;
  return matchCors(rules, { origin, method }) ?? { vary: VARY };
}

/**
 * Headers of the answer (200, no body) to a preflight OPTIONS. rules: the bucket's, [] when it has none.
 * @throws S3Error BadRequest without Origin or with a method that S3 has not; AccessForbidden when no rule matches
 */
export function preflightHeaders(
  rules: readonly CorsRule[],
  request: { readonly headers: Headers; readonly resourceType: 'BUCKET' | 'OBJECT' },
): Record<string, string> {
  const { headers, resourceType } = request;
  const origin = headers['origin'] ?? '';
  const method = headers['access-control-request-method'];
  if (origin === '')
    throw new S3Error('BadRequest', { message: 'Insufficient information. Origin request header needed.' });
  if (method === undefined || !METHODS.includes(method))
    throw new S3Error('BadRequest', { message: `Invalid Access-Control-Request-Method: ${method ?? 'null'}` });
  const detail = { Method: method, ResourceType: resourceType };
  if (rules.length === 0)
    throw new S3Error('AccessForbidden', { message: 'CORSResponse: CORS is not enabled for this bucket.', detail });
  const requestHeaders = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((header) => header.trim())
    .filter((header) => header !== '');
  const answer = matchCors(rules, { origin, method, requestHeaders });
  if (!answer) throw new S3Error('AccessForbidden', { detail, headers: { vary: VARY } });
  return answer;
}

/** pattern: exact text, or one '*' that stands for any text, also none. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  const suffix = pattern.slice(star + 1);
  return text.length >= star + suffix.length && text.startsWith(pattern.slice(0, star)) && text.endsWith(suffix);
}

function wildcards(text: string): number {
  return text.split('*').length - 1;
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
