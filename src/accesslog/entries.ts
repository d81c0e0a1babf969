/** From an answered request to the lines of its bucket's log. */
import type { Served } from '../http/request-log.js';
import type { Identity } from '../s3/context.js';
import type { BucketRecord } from '../store/types.js';
import { operationName } from './operation-name.js';
import type { LogRecord } from './record.js';

/** One record, and one more for each key of a request about many. */
export function recordsOf(served: Served, bucket: BucketRecord, nowMs: number): readonly LogRecord[] {
  const { trace, response, failure, tls } = served;
  const { request, auth, action } = trace;
  const headers = request?.headers ?? {};
  const record: LogRecord = {
    bucketOwner: bucket.owner.id,
    bucket: bucket.name,
    timeMs: nowMs - served.durationMs,
    remoteAddress: request?.remoteAddress ?? null,
    requester: requesterOf(trace.identity),
    requestId: served.id,
    operation: action ?? operationName(served.method, trace.operation?.name ?? null),
    key: request?.key ?? null,
    requestLine: `${served.method} ${served.url} HTTP/${served.httpVersion}`,
    status: response.status,
    errorCode: failure?.code ?? null,
    sentBytes: served.sentBytes,
    objectBytes: objectBytesOf(served),
    totalMs: served.durationMs,
    turnAroundMs: served.turnAroundMs,
    referer: headers['referer'] ?? null,
    userAgent: headers['user-agent'] ?? null,
    versionId: response.headers['x-amz-version-id'] ?? request?.query.get('versionId') ?? null,
    hostId: served.id,
    signature: auth === null ? null : auth.version === 'v2' ? 'SigV2' : 'SigV4',
    cipherSuite: tls?.cipher ?? null,
    authentication: auth === null ? null : auth.carrier === 'header' ? 'AuthHeader' : 'QueryString',
    host: request?.host ?? null,
    tlsVersion: tls?.version ?? null,
  };
  const entries = trace.entries.map(({ key, versionId, status, code }): LogRecord => ({
    ...record,
    operation: 'BATCH.DELETE.OBJECT',
    key,
    status,
    errorCode: code,
    versionId,
    requestLine: null,
    sentBytes: null,
    objectBytes: null,
    totalMs: null,
    turnAroundMs: null,
  }));
  return [record, ...entries];
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
  if (READS.has(name) || trace.action !== null) {
    const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')?.[1];
    if (total !== undefined) return Number(total);
    return response.contentLengthBytes ?? (Buffer.isBuffer(response.body) ? response.body.length : null);
  }
  const { 'x-amz-decoded-content-length': decoded, 'content-length': length } = trace.request?.headers ?? {};
  const sent = decoded ?? length;
  return WRITES.has(name) && sent !== undefined ? Number(sent) : null;
}
