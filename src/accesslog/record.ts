/** A line of an access log. https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */

/** Everything that a line says; null is written as '-'. */
export interface LogRecord {
  readonly bucketOwner: string;
  readonly bucket: string;
  /** ms since the epoch: when the request came */
  readonly timeMs: number;
  readonly remoteAddress: string | null;
  /** canonical user or ARN; null: anonymous */
  readonly requester: string | null;
  readonly requestId: string;
  readonly operation: string;
  /** decoded */
  readonly key: string | null;
  /** method, target as sent, protocol */
  readonly requestLine: string | null;
  readonly status: number | null;
  readonly errorCode: string | null;
  readonly sentBytes: number | null;
  readonly objectBytes: number | null;
  readonly totalMs: number | null;
  readonly turnAroundMs: number | null;
  readonly referer: string | null;
  readonly userAgent: string | null;
  readonly versionId: string | null;
  readonly hostId: string | null;
  readonly signature: 'SigV2' | 'SigV4' | null;
  readonly cipherSuite: string | null;
  readonly authentication: 'AuthHeader' | 'QueryString' | null;
  readonly host: string | null;
  /** 'TLSv1.3' */
  readonly tlsVersion: string | null;
  readonly aclRequired: boolean;
}

/** With its line break. */
export function logLine(record: LogRecord): string {
  const { operation, requestLine } = record;
  const nothing = isPartOfRequest(operation) ? '-' : '"-"';
  const fields = [
    plain(record.bucketOwner),
    plain(record.bucket),
    `[${logTime(record.timeMs)}]`,
    plain(record.remoteAddress),
    plain(record.requester),
    plain(record.requestId),
    operation,
    record.key === null ? '-' : loggedKey(operation, record.key),
    quoted(requestLine === null ? null : withoutSecrets(requestLine), nothing),
    number(record.status),
    plain(record.errorCode),
    // S3 writes '-' for nothing.
    number(record.sentBytes === 0 ? null : record.sentBytes),
    number(record.objectBytes),
    number(record.totalMs),
    number(record.turnAroundMs),
    quoted(record.referer, nothing),
    quoted(record.userAgent, nothing),
    plain(record.versionId),
    plain(record.hostId),
    record.signature ?? '-',
    plain(record.cipherSuite),
    record.authentication ?? '-',
    plain(record.host),
    plain(record.tlsVersion),
    // access point ARN
    '-',
    record.aclRequired ? 'Yes' : '-',
    // the region that the request came from
    '-',
  ];
  return `${fields.join(' ')}\n`;
}

/** Lines beside that of the request itself; S3 does not put quotation marks around what those leave out. */
function isPartOfRequest(operation: string): boolean {
  return operation.startsWith('BATCH.') || operation.endsWith('_GET');
}

/** Twice encoded, as S3 writes keys, but for what it does by itself and the keys of DeleteObjects. */
function loggedKey(operation: string, key: string): string {
  const once = encoded(key);
  return operation.startsWith('BATCH.') || operation.startsWith('S3.') ? once : encoded(once);
}

/** All bytes but RFC 3986's unreserved characters and '/'. */
function encoded(text: string): string {
  // By way of bytes: half a surrogate pair would be an error to encodeURIComponent.
  return encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, escapedByte);
}

function escapedByte(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** 06/Feb/2019:00:00:38 +0000 */
function logTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

function number(value: number | null): string {
  return value === null ? '-' : String(Math.round(value));
}

/** Clients write these: neither a space nor a quotation mark of theirs may look like ours. */
function plain(value: string | null): string {
  return value === null || value === '' ? '-' : escaped(value).replaceAll(' ', '%20');
}

function quoted(value: string | null, nothing: string): string {
  return value === null || value === '' ? nothing : `"${escaped(value)}"`;
}

function escaped(value: string): string {
  return value.replace(/["\u0000-\u001f\u007f]/g, escapedByte);
}

const SECRETS =
  /([?&](?:x-amz-signature|signature|x-amz-security-token|x-amz-(?:copy-source-)?server-side-encryption-customer-key)=)[^&\s]*/gi;

/** Whoever may read the log must not get what presigned URLs allow, nor customers' keys. */
function withoutSecrets(requestLine: string): string {
  return requestLine.replace(SECRETS, '$1REDACTED');
}
