/**
 * Keys of the tables. Object keys sort by their UTF-8 bytes, each raised by one: UTF-8 has no byte above 0xF4, so nothing
 * overflows, the order stays, and byte 0 is free to end a key inside a longer one. The longest is 16 + 1024 bytes of key
 * and a tail, well below LMDB's 1978.
 */
import { createHash } from 'node:crypto';
import { StoreError } from '../errors.js';
import type { BucketRef, UploadRef } from '../types.js';

const INSTANCE_BYTES = 16;
const MAX_KEY_BYTES = 1024;
const MAX_UPLOAD_ID_BYTES = 256;
const SEQ_BYTES = 8;
/** Greater than every raised byte. */
const AFTER_ALL = 0xff;

/** Key of `live` and `hidden`: instance, raised key. tailBytes: room to leave at the end, filled with zeros. */
export function headKey(bucket: BucketRef, key: string, tailBytes = 0): Buffer {
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes > MAX_KEY_BYTES) throw tooLong('object key', keyBytes);
  return raisedKey(bucket, Buffer.from(key, 'utf8'), tailBytes);
}

/**
 * A bound of a range, which may be longer than any key (a marker, the end of a prefix): one byte more than the longest key
 * has tells where it lies among keys.
 */
export function boundKey(bucket: BucketRef, bound: string): Buffer {
  return raisedKey(bucket, Buffer.from(bound, 'utf8').subarray(0, MAX_KEY_BYTES + 1), 0);
}

/** Whether an object can have that key. */
export function isPossibleKey(key: string): boolean {
  return Buffer.byteLength(key) <= MAX_KEY_BYTES;
}

function raisedKey(bucket: BucketRef, key: Buffer, tailBytes: number): Buffer {
  const end = INSTANCE_BYTES + key.length;
  const buffer = Buffer.allocUnsafe(end + tailBytes);
  writeInstance(buffer, bucket);
  key.copy(buffer, INSTANCE_BYTES);
  for (let i = INSTANCE_BYTES; i < end; i++) buffer[i] = (buffer[i] ?? 0) + 1;
  buffer.fill(0, end);
  return buffer;
}

/** The object key in a key of `live` or `hidden`. */
export function objectKeyOf(headKeyBuffer: Buffer): string {
  const raised = Buffer.from(headKeyBuffer.subarray(INSTANCE_BYTES));
  for (let i = 0; i < raised.length; i++) raised[i] = (raised[i] ?? 0) - 1;
  return raised.toString('utf8');
}

/** Where the bucket's keys end (exclusive). */
export function bucketEnd(bucket: BucketRef): Buffer {
  const buffer = Buffer.allocUnsafe(INSTANCE_BYTES + 1);
  writeInstance(buffer, bucket);
  buffer[INSTANCE_BYTES] = AFTER_ALL;
  return buffer;
}

/** Where the bucket's keys begin. */
export function bucketStart(bucket: BucketRef): Buffer {
  const buffer = Buffer.allocUnsafe(INSTANCE_BYTES);
  writeInstance(buffer, bucket);
  return buffer;
}

/** The least buffer after the given one: starts a range that excludes it. */
export function after(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.of(0)]);
}

/** Key of `older`: head key, 0, inverted seq: versions of a key lie newest first. */
export function olderKey(head: Buffer, seq: number): Buffer {
  const buffer = Buffer.allocUnsafe(head.length + 1 + SEQ_BYTES);
  head.copy(buffer);
  buffer[head.length] = 0;
  // positive doubles sort like their bytes, and hold every seq exactly
  buffer.writeDoubleBE(Number.MAX_SAFE_INTEGER - seq, head.length + 1);
  return buffer;
}

/** Where the older versions of a key end (exclusive). */
export function olderEnd(head: Buffer): Buffer {
  return Buffer.concat([head, Buffer.of(1)]);
}

/** Whether a key of `older` is of a version of that key. */
export function isOlderOf(older: Buffer, head: Buffer): boolean {
  return older.length === head.length + 1 + SEQ_BYTES && older.compare(head, 0, head.length, 0, head.length) === 0;
}

/** Key of `payload`: seq, number of the piece. */
export function payloadKey(seq: number, piece: number): Buffer {
  const buffer = Buffer.allocUnsafe(SEQ_BYTES + 4);
  buffer.writeDoubleBE(seq, 0);
  buffer.writeUInt32BE(piece, SEQ_BYTES);
  return buffer;
}

/** Key of `uploads`: head key, 0, upload id. */
export function uploadKey({ bucket, key, uploadId }: UploadRef): Buffer {
  const idBytes = Buffer.byteLength(uploadId);
  if (idBytes > MAX_UPLOAD_ID_BYTES) throw tooLong('upload id', idBytes);
  const buffer = headKey(bucket, key, 1 + idBytes);
  buffer.write(uploadId, buffer.length - idBytes, 'utf8');
  return buffer;
}

/** What the keys of all uploads of a key begin with, and where they end (exclusive). */
export function uploadsOfKey(bucket: BucketRef, key: string): { readonly start: Buffer; readonly end: Buffer } {
  const start = headKey(bucket, key, 1);
  const end = Buffer.from(start);
  end[end.length - 1] = 1;
  return { start, end };
}

/** Key of `parts`: upload key, 0, part number. 0 and 65535 bound the parts of an upload. */
export function partKey(upload: Buffer, partNumber: number): Buffer {
  const buffer = Buffer.allocUnsafe(upload.length + 3);
  upload.copy(buffer);
  buffer[upload.length] = 0;
  buffer.writeUInt16BE(partNumber, upload.length + 1);
  return buffer;
}

/** Key of `intents`. */
export function intentKey(id: string): Buffer {
  return uuidBytes(id);
}

/** Key of `garbage`: when it is due, id. */
export function garbageKey(notBeforeMs: number, id: string): Buffer {
  const buffer = Buffer.allocUnsafe(SEQ_BYTES + INSTANCE_BYTES);
  buffer.writeDoubleBE(Math.max(0, notBeforeMs), 0);
  uuidBytes(id).copy(buffer, SEQ_BYTES);
  return buffer;
}

/** Key of `buckets`. */
export function bucketKey(name: string): Buffer {
  return Buffer.from(name, 'utf8');
}

/** Key of `tenants`: the tenant's ids may be of any length, so a digest stands for them; then the bucket's name. */
export function tenantKey(tenant: string, bucketName: string): Buffer {
  return Buffer.concat([tenantPrefix(tenant), Buffer.from(bucketName, 'utf8')]);
}

export function tenantPrefix(tenant: string): Buffer {
  return createHash('sha256').update(tenant).digest();
}

/** Where the tenant's buckets end (exclusive): names have no byte so great. */
export function tenantEnd(tenant: string): Buffer {
  return Buffer.concat([tenantPrefix(tenant), Buffer.of(AFTER_ALL)]);
}

function writeInstance(buffer: Buffer, bucket: BucketRef): void {
  if (buffer.write(bucket.instance.replaceAll('-', ''), 0, INSTANCE_BYTES, 'hex') !== INSTANCE_BYTES) {
    throw new StoreError('internal', 'notApplied', `bucket instance ${bucket.instance} is no uuid`);
  }
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function tooLong(what: string, sizeBytes: number): StoreError {
  return new StoreError('internal', 'notApplied', `${what} of ${sizeBytes} bytes is too long for the embedded store`);
}
