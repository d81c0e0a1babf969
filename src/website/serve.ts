/**
 * The website endpoint: buckets as web sites for anonymous visitors. Pages are read by GetObject itself, so permissions, ranges,
 * conditions and encryption are those of the API.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
 */
import type { Logger } from 'pino';
import type { RequestBody } from '../http/body.js';
import { authorize, requireBucket } from '../s3/access.js';
import { checkObjectKey } from '../s3/bucket-name.js';
import type { OperationContext, Services } from '../s3/context.js';
import { ANONYMOUS } from '../s3/context.js';
import { S3Error } from '../s3/errors.js';
import type { OperationRow, S3Response } from '../s3/operation.js';
import { keyOfPath, QueryParams } from '../s3/request.js';
import type { S3Request } from '../s3/request.js';
import { toS3Error } from '../s3/store-errors.js';
import type { Redirection, Visit, WebsiteConfiguration } from '../s3/website.js';
import { folderRedirection, pageKey, redirectedAway, routed, websiteOf } from '../s3/website.js';
import type { BucketRecord } from '../store/types.js';
import { errorPage } from './page.js';

export interface WebsiteRequest {
  readonly services: Services;
  /** The rows that read pages and answer preflights. */
  readonly operations: WebsiteOperations;
  /** bucket: the site's; its key is not read yet */
  readonly request: S3Request;
  readonly body: RequestBody;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** the request with its key; key: null for the site's root */
  readonly onRequest: (request: S3Request) => void;
  /** as soon as it is known */
  readonly onBucket: (bucket: BucketRecord) => void;
}

export interface WebsiteOperations {
  readonly getObject: OperationRow;
  readonly headObject: OperationRow;
  readonly preflight: OperationRow;
}

export interface WebsiteAnswer {
  readonly response: S3Response;
  /** what went wrong, shown as a page */
  readonly failure: S3Error | null;
}

/** Never throws: errors are pages. */
export async function answerWebsite(visit: WebsiteRequest): Promise<WebsiteAnswer> {
  try {
    const request = { ...visit.request, key: keyOfPath(visit.request.rawPath) };
    visit.onRequest(request);
    const site = { ...visit, request };
    if (request.method === 'OPTIONS')
      return { response: await run(site, site.operations.preflight, request.key), failure: null };
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new S3Error('MethodNotAllowed', {
        detail: { Method: request.method, ResourceType: 'OBJECT' },
        headers: { allow: 'GET, HEAD, OPTIONS' },
      });
    return await visited(site);
  } catch (error) {
    const failure = toS3Error(error);
    return { response: errorPage(failure, { requestId: visit.request.id }), failure };
  }
}

async function visited(site: WebsiteRequest): Promise<WebsiteAnswer> {
  const { request, services } = site;
  const bucket = await requireBucket({ services }, request.bucket ?? '');
  site.onBucket(bucket);
  const configuration = websiteOf(bucket);
  if (configuration === null) throw new S3Error('NoSuchWebsiteConfiguration', { detail: { BucketName: bucket.name } });
  const { host, rawPath, rawQuery, key } = request;
  const visit: Visit = { protocol: request.secure ? 'https' : 'http', host, key: key ?? '', rawPath, rawQuery };
  if (configuration.kind === 'redirect') return redirect(redirectedAway(configuration, visit));
  const early = routed(configuration.rules, visit, null);
  if (early !== null) return redirect(early);
  try {
    return await page(site, pageKey(visit.key, configuration.indexSuffix));
  } catch (error) {
    return failed(site, configuration, { visit, failure: toS3Error(error) });
  }
}

async function page(site: WebsiteRequest, key: string): Promise<WebsiteAnswer> {
  try {
    const response = await run(site, rowOf(site), key);
    return redirectOf(response) ?? { response, failure: null };
  } catch (error) {
    if (toS3Error(error).code !== 'InvalidRange') throw error;
    // Objects that only redirect are empty: they redirect whatever part of them was asked for.
    const elsewhere = redirectOf(await run(site, site.operations.headObject, key, WITHOUT_CONDITIONS));
    if (elsewhere === null) throw error;
    return elsewhere;
  }
}

/** Where an object sends its visitors; null: nowhere. */
function redirectOf({ headers }: S3Response): WebsiteAnswer | null {
  const location = headers['x-amz-website-redirect-location'];
  return location === undefined ? null : redirect({ status: 301, location });
}

/** The page cannot be shown: a folder's name without its slash, a rule, the site's own error page, or ours. */
async function failed(
  site: WebsiteRequest,
  { indexSuffix, errorKey, rules }: Extract<WebsiteConfiguration, { kind: 'pages' }>,
  { visit, failure }: { readonly visit: Visit; readonly failure: S3Error },
): Promise<WebsiteAnswer> {
  if (failure.status === 304) return { response: { status: 304, headers: failure.headers, body: null }, failure };
  const mayBeFolder = visit.key !== '' && !visit.key.endsWith('/');
  if (mayBeFolder && (failure.code === 'NoSuchKey' || failure.code === 'AccessDenied')) {
    if (await exists(site, pageKey(`${visit.key}/`, indexSuffix))) return redirect(folderRedirection(visit));
  }
  const late = routed(rules, visit, failure.status);
  if (late !== null) return redirect(late);
  const requestId = site.request.id;
  if (errorKey === undefined || failure.status >= 500) return { response: errorPage(failure, { requestId }), failure };
  try {
    // The error page is whole, whatever part of the missing one was asked for.
    const shown = await run(site, rowOf(site), errorKey, WITHOUT_CONDITIONS);
    const elsewhere = redirectOf(shown);
    if (elsewhere !== null) return elsewhere;
    const headers = { ...shown.headers, 'x-amz-error-code': failure.code, 'x-amz-error-message': failure.message };
    return { response: { ...shown, status: failure.status, headers }, failure };
  } catch (error) {
    return { response: errorPage(failure, { requestId, nested: toS3Error(error) }), failure };
  }
}

async function exists(site: WebsiteRequest, key: string): Promise<boolean> {
  try {
    await run(site, site.operations.headObject, key, WITHOUT_CONDITIONS);
    return true;
  } catch (error) {
    const { status } = toS3Error(error);
    // What cannot be answered is not "missing".
    if (status >= 500) throw error;
    return false;
  }
}

function redirect({ status, location }: Redirection): WebsiteAnswer {
  return { response: { status, headers: { location }, body: null }, failure: null };
}

function rowOf({ request, operations }: WebsiteRequest): OperationRow {
  return request.method === 'HEAD' ? operations.headObject : operations.getObject;
}

/** What visitors' browsers send; nothing that is the API's. */
const PASSED = /^(accept|access-control-|host$|if-|origin$|range$|referer$|user-agent$)/;
const WITHOUT_CONDITIONS = /^(if-|range$)/;

async function run(
  site: WebsiteRequest,
  operation: OperationRow,
  key: string | null,
  without: RegExp | null = null,
): Promise<S3Response> {
  const { services, body, log, signal } = site;
  if (key !== null) checkObjectKey(key);
  const headers = Object.entries(site.request.headers).filter(
    ([name]) => PASSED.test(name) && without?.test(name) !== true,
  );
  const request: S3Request = {
    ...site.request,
    key,
    rawQuery: '',
    query: new QueryParams(''),
    headers: Object.fromEntries(headers),
  };
  const identity = ANONYMOUS;
  const bucket = await authorize({ services, request, identity, operation });
  if (operation.handler === null) throw new S3Error('NotImplemented', { detail: { Operation: operation.name } });
  const context: OperationContext = {
    request,
    operation,
    identity,
    services,
    body,
    log,
    signal,
    get bucket(): BucketRecord {
      if (bucket === null) throw new Error(`${operation.name} has no bucket`);
      return bucket;
    },
  };
  return operation.handler(context);
}
