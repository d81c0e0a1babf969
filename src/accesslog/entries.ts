/** From what was done, by requests, lifecycle rules and the log's own delivery, to the records of buckets' logs. */
import type { Served } from '../http/request-log.js';
import type { Identity } from '../s3/context.js';
import type { LifecycleAction } from '../s3/lifecycle-action.js';
import { LOGGING_SERVICE } from '../s3/logging.js';
import type { BatchEntry } from '../s3/operation.js';
import type { BucketRecord } from '../store/types.js';
import { copySourceName, lifecycleName, operationName } from './operation-name.js';
import type { LogRecord } from './record.js';

/** For the log of the request's bucket: one record, and one more for each key that DeleteObjects names. */
export function recordsOf(served: Served, bucket: BucketRecord, nowMs: number): readonly LogRecord[] {
  const { trace, response, failure } = served;
  const { request, action, entries } = trace;
  const headers = request?.headers ?? {};
  const record: LogRecord = {
    ...callOf(served, bucket, nowMs),
    operation: action ?? operationName(served.method, trace.operation?.name ?? null),
    key: request?.key ?? null,
    requestLine: `${served.method} ${served.url} HTTP/${served.httpVersion}`,
    status: response.status,
    // That something is as it was is no error to S3's log.
    errorCode: response.status === 304 ? null : (failure?.code ?? null),
    sentBytes: served.sentBytes,
    objectBytes: objectBytesOf(served),
    totalMs: served.durationMs,
    turnAroundMs: served.turnAroundMs,
    referer: headers['referer'] ?? null,
    userAgent: headers['user-agent'] ?? null,
    versionId: request?.query.get('versionId') ?? null,
  };
  const deletions = entries.filter(({ source }) => source === null);
  return [record, ...deletions.map((entry) => partOf(record, entry, 'BATCH.DELETE.OBJECT'))];
}

/** For the log of the bucket that a copy reads from. @param entry whose source is that bucket */
export function copySourceRecord(served: Served, entry: BatchEntry, source: BucketRecord, nowMs: number): LogRecord {
  return partOf(callOf(served, source, nowMs), entry, copySourceName(served.trace.operation?.name ?? null));
}

type Call = Omit<
  LogRecord,
  keyof typeof UNTOLD | 'operation' | 'key' | 'status' | 'errorCode' | 'objectBytes' | 'versionId'
>;

/** What is told once, in the line of the request itself. */
const UNTOLD = {
  requestLine: null,
  sentBytes: null,
  totalMs: null,
  turnAroundMs: null,
  referer: null,
  userAgent: null,
} as const;

function partOf(call: Call, { key, versionId, status, code, sizeBytes }: BatchEntry, operation: string): LogRecord {
  return { ...call, ...UNTOLD, operation, key, versionId, status, errorCode: code, objectBytes: sizeBytes };
}

/** Who called, when and how. */
function callOf({ trace, tls, id, durationMs }: Served, bucket: BucketRecord, nowMs: number): Call {
  const { request, auth } = trace;
  return {
    bucketOwner: bucket.owner.id,
    bucket: bucket.name,
    timeMs: nowMs - durationMs,
    remoteAddress: request?.remoteAddress ?? null,
    requester: requesterOf(trace.identity),
    requestId: id,
    hostId: id,
    signature: auth === null ? null : auth.version === 'v2' ? 'SigV2' : 'SigV4',
    cipherSuite: tls?.cipher ?? null,
    authentication: auth === null ? null : auth.carrier === 'header' ? 'AuthHeader' : 'QueryString',
    host: request?.host ?? null,
    tlsVersion: tls?.version ?? null,
    aclRequired: trace.aclRequired,
  };
}

/** What nobody sent. */
const UNSENT = {
  ...UNTOLD,
  remoteAddress: null,
  errorCode: null,
  hostId: null,
  signature: null,
  cipherSuite: null,
  authentication: null,
  host: null,
  tlsVersion: null,
  aclRequired: false,
} as const;

export function lifecycleRecord(action: LifecycleAction, requestId: string, nowMs: number): LogRecord {
  const { bucket, key, versionId, sizeBytes } = action;
  return {
    ...UNSENT,
    bucketOwner: bucket.owner.id,
    bucket: bucket.name,
    timeMs: nowMs,
    requester: 'AmazonS3',
    requestId,
    operation: lifecycleName(action),
    key,
    versionId,
    status: null,
    objectBytes: sizeBytes,
  };
}

/** A log object that was written into a bucket, which may keep a log itself. */
export interface Delivered {
  readonly target: BucketRecord;
  readonly key: string;
  readonly sizeBytes: number;
  readonly durationMs: number;
}

export function deliveryRecord(delivered: Delivered, requestId: string, nowMs: number): LogRecord {
  const { target, key, sizeBytes, durationMs } = delivered;
  return {
    ...UNSENT,
    bucketOwner: target.owner.id,
    bucket: target.name,
    timeMs: nowMs - durationMs,
    requester: `svc:${LOGGING_SERVICE}`,
    requestId,
    operation: 'REST.PUT.OBJECT',
    key,
    versionId: null,
    status: 200,
    objectBytes: sizeBytes,
    totalMs: durationMs,
  };
}

/** null: anonymous */
function requesterOf(identity: Identity): string | null {
  if (identity.kind === 'anonymous') return null;
  return identity.caller.policies === null ? identity.tenant : identity.caller.arn;
}

const READS: ReadonlySet<string> = new Set(['GetObject', 'HeadObject']);
const WRITES: ReadonlySet<string> = new Set(['PutObject', 'UploadPart']);

/** Total size of the object that was read or sent, as far as the messages tell. */
function objectBytesOf({ trace, response, failure }: Served): number | null {
  const name = trace.operation?.name ?? '';
  if (failure !== null) return null;
  const copied = trace.entries.find(({ source }) => source !== null);
  if (copied !== undefined) return copied.sizeBytes;
  if (READS.has(name) || trace.action !== null) {
    const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1];
    if (total !== undefined) return Number(total);
    return response.contentLengthBytes ?? (Buffer.isBuffer(response.body) ? response.body.length : null);
  }
  const { 'x-amz-decoded-content-length': decoded, 'content-length': length } = trace.request?.headers ?? {};
  const sent = decoded ?? length;
  return WRITES.has(name) && sent !== undefined ? Number(sent) : null;
}
