// What the wire tests share: data, errors as plain values, objects as bytes.
import { createCipheriv, createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { GetObjectCommandInput, GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { expect } from 'vitest';

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** The same bytes for the same size and seed; nothing in them repeats. */
export function bytes(sizeBytes: number, seed = 1): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

export function md5(data: Buffer | string): string {
  return createHash('md5').update(data).digest('hex');
}

/** An ETag as answers carry it. */
export function etagOf(data: Buffer | string): string {
  return `"${md5(data)}"`;
}

export interface Failure {
  readonly status: number | undefined;
  /** S3's error code; for HEAD, whose answers have no body, the SDK's name of the status. */
  readonly code: string;
  readonly message: string;
  readonly error: S3ServiceException & Readonly<Record<string, unknown>>;
}

/** The S3 error that a call fails with. Anything else, success too, fails the test. */
export async function failure(call: Promise<unknown>): Promise<Failure> {
  let answer: object;
  try {
    answer = { answer: await call };
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return {
      status: error.$metadata.httpStatusCode,
      code: error.name,
      message: error.message,
      error: error as Failure['error'],
    };
  }
  throw new Error(`expected an S3 error, but the call succeeded: ${JSON.stringify(answer).slice(0, 500)}`);
}

/** The same for several calls at once. */
export function failures(calls: readonly Promise<unknown>[]): Promise<Failure[]> {
  return Promise.all(calls.map((call) => failure(call)));
}

export async function contentOf(output: GetObjectCommandOutput): Promise<Buffer> {
  if (output.Body === undefined) return Buffer.alloc(0);
  return Buffer.from(await output.Body.transformToByteArray());
}

/** GetObject, with its body read. */
export async function read(
  s3: S3Client,
  input: GetObjectCommandInput,
): Promise<{ readonly output: GetObjectCommandOutput; readonly content: Buffer }> {
  const output = await s3.send(new GetObjectCommand(input));
  return { output, content: await contentOf(output) };
}

export async function put(s3: S3Client, Bucket: string, Key: string, Body: Buffer | string): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
}

/** Runs at most `width` of the calls at once. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  run: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

export async function sha256Of(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of stream) hash.update(piece as Buffer);
  return hash.digest('hex');
}

export function text(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index).padStart(5, '0'));
}

/** As expect.poll, with the patience that a busy machine asks for. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 60_000 });
}
