/**
 * A browser's POST upload (multipart/form-data), read as a stream: the fields before the file first, then the file's bytes
 * with backpressure. Fields after the file are ignored, as on S3.
 */
import type { BusboyInstance as Parser } from '@fastify/busboy';
import { Busboy } from '@fastify/busboy';
import type { Readable } from 'node:stream';
import { S3Error } from '../s3/errors.js';

/** Fields before the file at most. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html */
const MAX_FIELD_BYTES = 20 * 1024;
const MAX_FIELDS = 1000;

export interface PostForm {
  /** lower-case name -> value, in order */
  readonly fields: ReadonlyMap<string, string>;
  /** null when the form has no file */
  readonly file: {
    readonly name: string;
    readonly contentType: string;
    readonly content: AsyncIterable<Buffer>;
  } | null;
}

/**
 * Resolves when the file begins (or the form ends without one). The rest of the body is read while `content` is.
 * @throws S3Error MalformedPOSTRequest, MaxPostPreDataLengthExceeded, and whatever the source throws
 */
export async function readPostForm(contentType: string | undefined, source: AsyncIterable<Buffer>): Promise<PostForm> {
  if (contentType === undefined || !/^multipart\/form-data\s*;.*boundary=/i.test(contentType))
    throw new S3Error('RequestIsNotMultiPartContent', { status: 412 });
  const parser = makeParser(contentType);
  const fields = new Map<string, string>();
  let preDataBytes = 0;
  let failure: Error | null = null;
  let fileStream: Readable | null = null;

  return new Promise<PostForm>((resolve, reject) => {
    const fail = (error: Error): void => {
      failure ??= error;
      fileStream?.destroy(failure);
      reject(failure);
    };
    // The name: undefined when the part has none, which the parser's types leave out.
    parser.on('field', (name: string | undefined, value: string, _nameCut: boolean, valueCut: boolean) => {
      if (fileStream !== null) return;
      if (name === undefined) {
        fail(malformed(new Error('a field without a name')));
        return;
      }
      preDataBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
      if (valueCut || preDataBytes > MAX_FIELD_BYTES) fail(new S3Error('MaxPostPreDataLengthExceeded'));
      else fields.set(name.toLowerCase(), value);
    });
    parser.on(
      'file',
      (_name: string, stream: Readable, filename: string | undefined, _encoding: string, mimeType: string) => {
        if (fileStream !== null) {
          stream.resume();
          return;
        }
        fileStream = stream;
        // The reader learns of a failure from its own iteration; a form nobody reads any more must not take the process down.
        stream.on('error', () => undefined);
        resolve({
          fields,
          file: { name: filename ?? '', contentType: mimeType, content: contentOf(stream as AsyncIterable<Buffer>) },
        });
      },
    );
    parser.on('fieldsLimit', () => fail(new S3Error('MaxPostPreDataLengthExceeded')));
    parser.on('error', (error: unknown) => fail(malformed(error)));
    parser.on('finish', () => {
      if (fileStream === null) resolve({ fields, file: null });
    });
    void pump(source, parser).catch((error: unknown) => fail(error instanceof S3Error ? error : malformed(error)));
  });
}

function makeParser(contentType: string): Parser {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      // S3's forms name the file part 'file'. Clients may leave its filename out, or give one to every field.
      isPartAFile: (name: string | undefined) => name?.toLowerCase() === 'file',
      limits: { fieldSize: MAX_FIELD_BYTES, fields: MAX_FIELDS, files: 1 },
      defCharset: 'utf8',
    });
  } catch (error) {
    throw malformed(error);
  }
}

async function pump(source: AsyncIterable<Buffer>, parser: Parser): Promise<void> {
  for await (const chunk of source) {
    if (!parser.write(chunk)) await new Promise<void>((resolve) => parser.once('drain', () => resolve()));
  }
  parser.end();
}

/** The parser reports a form that ends inside its file on the file's stream. */
async function* contentOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  try {
    yield* stream;
  } catch (error) {
    throw error instanceof S3Error ? error : malformed(error);
  }
}

function malformed(cause: unknown): S3Error {
  return new S3Error('MalformedPOSTRequest', { cause });
}
