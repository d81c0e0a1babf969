/** Sends a version's content to a server elsewhere: in one request, or in the parts that it consists of, so that its entity tag stays. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { readObject } from '../data/read.js';
import type { ByteRange } from '../data/read.js';
import type { DataCipher } from '../data/sse.js';
import { MAX_PUT_BYTES } from '../s3/write-object.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { ObjectVersion, PartInfo } from '../store/types.js';
import type { ReplicationSource } from './destination.js';
import { ReplicationRefused } from './destination.js';
import { withHeaders } from './remote-client.js';

export interface RemoteUpload {
  readonly client: S3Client;
  readonly source: ReplicationSource;
  /** what the content is opened with */
  readonly cipher: DataCipher | null;
  readonly bucket: string;
  /** What the new object is like, but for its content. */
  readonly attributes: Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>;
  /** What the SDK has no parameters for, on the request that begins the object. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** S3's least size of a part that is not the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

/** @returns the new version's id there, null if the server names none; @throws ReplicationRefused; errors of the SDK; StoreError */
export async function sendObject(upload: RemoteUpload): Promise<string | null> {
  const { version } = upload.source;
  const { parts, sizeBytes } = version;
  if (parts !== null && parts.slice(0, -1).every((part) => part.sizeBytes >= MIN_PART_BYTES))
    return sendParts(upload, parts);
  if (sizeBytes > MAX_PUT_BYTES)
    throw new ReplicationRefused(
      'the object is larger than one request may be, and its parts are too small to be sent',
    );
  const { client, bucket, source, attributes } = upload;
  const command = new PutObjectCommand({
    ...attributes,
    ...digestOf(version),
    Bucket: bucket,
    Key: source.key,
    ContentLength: sizeBytes,
  });
  const { VersionId } = await withBody(upload, null, (body) => {
    command.input.Body = body;
    return client.send(withHeaders(command, upload.headers), { abortSignal: upload.signal });
  });
  return VersionId ?? null;
}

/** The server checks what arrives by it. Without one the client sends a checksum behind the content. */
function digestOf({ checksum, encryption, etag }: ObjectVersion): Record<string, string> {
  if (checksum?.type === 'FULL_OBJECT') return { [`Checksum${checksum.algorithm}`]: checksum.value };
  const isMd5 = encryption === null || encryption.kind === 'SSE-S3';
  if (isMd5 && /^[0-9a-f]{32}$/.test(etag)) return { ContentMD5: Buffer.from(etag, 'hex').toString('base64') };
  return { ChecksumAlgorithm: 'CRC32' };
}

async function sendParts(upload: RemoteUpload, parts: readonly PartInfo[]): Promise<string | null> {
  const { client, bucket, source, attributes, signal } = upload;
  const to = { Bucket: bucket, Key: source.key };
  const { checksum } = source.version;
  const algorithm = checksum === null ? null : checksum.algorithm;
  const create = new CreateMultipartUploadCommand({
    ...attributes,
    ...to,
    ...(checksum !== null && {
      ChecksumAlgorithm: checksum.algorithm as 'CRC32',
      ChecksumType: checksum.type,
    }),
  });
  const { UploadId } = await client.send(withHeaders(create, upload.headers), { abortSignal: signal });
  if (UploadId === undefined) throw new Error('the server did not name the upload that it began');
  try {
    const done: CompletedPart[] = [];
    let start = 0;
    for (const part of parts) {
      done.push(await sendPart(upload, { UploadId, part, start, algorithm }));
      start += part.sizeBytes;
    }
    const complete = new CompleteMultipartUploadCommand({ ...to, UploadId, MultipartUpload: { Parts: done } });
    const { VersionId } = await client.send(complete, { abortSignal: signal });
    return VersionId ?? null;
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...to, UploadId })).catch(() => undefined);
    throw error;
  }
}

async function sendPart(
  upload: RemoteUpload,
  given: {
    readonly UploadId: string;
    readonly part: PartInfo;
    readonly start: number;
    readonly algorithm: string | null;
  },
): Promise<CompletedPart> {
  const { client, bucket, source, signal } = upload;
  const { UploadId, part, start, algorithm } = given;
  const { partNumber: PartNumber, sizeBytes } = part;
  const known = algorithm === null ? undefined : part.checksums[algorithm];
  const digest = algorithm === null || known === undefined ? {} : { [`Checksum${algorithm}`]: known };
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: source.key,
    UploadId,
    PartNumber,
    ContentLength: sizeBytes,
    ...digest,
    ...(known === undefined && { ChecksumAlgorithm: (algorithm ?? 'CRC32') as 'CRC32' }),
  });
  const range = sizeBytes === 0 ? 'nothing' : { start, end: start + sizeBytes - 1 };
  const { ETag } = await withBody(upload, range, (body) => {
    command.input.Body = body;
    return client.send(command, { abortSignal: signal });
  });
  return { PartNumber, ETag, ...digest };
}

/** The plaintext as a stream, which is gone afterwards whatever became of it. */
async function withBody<T>(
  { source, cipher, signal }: RemoteUpload,
  range: ByteRange | null | 'nothing',
  send: (body: Readable | Buffer) => Promise<T>,
): Promise<T> {
  const { version, region } = source;
  if (range === 'nothing' || version.sizeBytes === 0) return send(Buffer.alloc(0));
  const blobStoreFor = (storageClass: string) => blobStoreOf(region, storageClass);
  const body = Readable.from(readObject({ version, blobStoreFor, cipher, range, signal }), { objectMode: false });
  // What breaks it reaches the request too; nobody may be listening when it is destroyed at the end.
  const broken: { reason?: Error } = {};
  body.on('error', (error: Error) => {
    broken.reason = error;
  });
  try {
    return await send(body);
  } catch (error) {
    throw broken.reason ?? error;
  } finally {
    body.destroy();
  }
}
