/** What is known of a request when it has been answered, and the server's own log line of it. */
import type { Logger } from 'pino';
import type { IamError } from '../iam/iam-errors.js';
import type { Identity } from '../s3/context.js';
import type { S3Error } from '../s3/errors.js';
import type { BatchEntry, OperationRow, S3Response } from '../s3/operation.js';
import type { S3Request } from '../s3/request.js';
import type { BucketRecord } from '../store/types.js';
import type { Lane } from '../limits/request-limits.js';
import type { RequestBody } from './body.js';

/** Filled in as the request goes through the pipeline. */
export interface Trace {
  request: S3Request | null;
  /** null: anonymous, or not known yet */
  auth: { readonly version: 'v2' | 'v4'; readonly carrier: 'header' | 'query' } | null;
  operation: OperationRow | null;
  /** of the query APIs and websites */
  action: string | null;
  /** answered already, in the query APIs' or a website's form */
  failure: S3Error | IamError | null;
  identity: Identity;
  bucket: BucketRecord | null;
  /** No policy would have allowed it: an ACL did. */
  aclRequired: boolean;
  body: RequestBody | null;
  /** 100 Continue was sent, or not asked for and the body was opened */
  continued: boolean;
  /** of the body, as it came over the wire */
  receivedBytes: number;
  /** null: it is not traced */
  readonly traceId: string | null;
  /** how fast its bodies may pass; null: as fast as they come */
  lane: Lane | null;
  /** what became of each object of a request about several */
  readonly entries: BatchEntry[];
}

export interface Served {
  readonly id: string;
  readonly method: string;
  /** the request target as the client sent it */
  readonly url: string;
  /** '1.1' */
  readonly httpVersion: string;
  readonly trace: Readonly<Trace>;
  /** null: plain HTTP. Its parts are null where the connection was gone before anybody looked. */
  readonly tls: { readonly version: string | null; readonly cipher: string | null } | null;
  readonly response: S3Response;
  readonly failure: S3Error | IamError | null;
  readonly sentBytes: number;
  /** from the request's arrival to the last byte of the answer */
  readonly durationMs: number;
  /** to its first */
  readonly turnAroundMs: number;
}

/** One line per request; the client's mistakes are information, only the server's own failures are errors. */
export function logRequest(log: Logger, entry: Served): void {
  const { failure, trace } = entry;
  const fields = {
    requestId: entry.id,
    ...(trace.traceId === null ? {} : { traceId: trace.traceId }),
    operation: trace.operation?.name ?? trace.action,
    method: entry.method,
    bucket: trace.request?.bucket ?? null,
    key: trace.request?.key ?? null,
    tenant: trace.identity.tenant,
    status: entry.response.status,
    code: failure?.code,
    bytes: entry.sentBytes,
    ms: Math.round(entry.durationMs * 10) / 10,
    remote: trace.request?.remoteAddress,
  };
  if (failure !== null && failure.status >= 500) {
    if (failure.status === 500) log.error({ ...fields, err: failure.cause ?? failure }, 'request failed');
    else log.warn({ ...fields, err: failure.cause }, 'request refused');
  } else {
    log.info(fields, 'request');
  }
}
