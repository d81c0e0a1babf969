/**
 * Decoder of the aws-chunked framing that SDKs put around an upload's body, with or without chunk signatures and
 * trailers. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, sigv4-streaming-trailers.html
 *
 * It parses incrementally and hands on slices of the buffers it is given: no byte is copied, no chunk is collected. A
 * signed chunk's data is therefore handed on before its signature has been verified. That is safe only because nobody
 * may commit anything before the iterator has ended without an error.
 */
import { S3Error } from '../s3/errors.js';
import type { ChunkedPayload } from './types.js';

/** Longest line that a chunk header or a trailer may be; a signed chunk header has about 100 bytes. */
const MAX_LINE_BYTES = 2048;
/** Blank lines tolerated around trailers; SDKs in use send up to two. */
const MAX_BLANK_LINES = 4;
/** AWS's minimum for every signed chunk but the last. */
const MIN_SIGNED_CHUNK_BYTES = 8192;
const MAX_SIZE_DIGITS = 16;
const SIGNATURE_EXTENSION = 'chunk-signature=';
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

const LF = 0x0a;

export interface AwsChunkedDecoderOptions {
  /** The body as received. */
  readonly source: AsyncIterable<Buffer>;
  readonly plan: ChunkedPayload;
}

/**
 * Iterates over the decoded body, once. Throws IncompleteBody (framing, length, truncation), InvalidChunkSizeError,
 * MalformedTrailerError, SignatureDoesNotMatch, and whatever the source throws. Ending the iteration early closes the
 * source.
 */
export class AwsChunkedDecoder implements AsyncIterable<Buffer> {
  readonly #source: AsyncIterable<Buffer>;
  readonly #plan: ChunkedPayload;
  readonly #trailers = new Map<string, string>();

  #state: 'header' | 'data' | 'dataEnd' | 'trailer' = 'header';
  #line = '';
  #remainingBytes = 0;
  #decodedBytes = 0;
  #lastChunkBytes = MIN_SIGNED_CHUNK_BYTES;
  #chunkIndex = 0;
  #chunkSignature = '';
  #blankLines = 0;
  #blankLast = false;
  #trailerSigned = false;

  constructor(options: AwsChunkedDecoderOptions) {
    this.#source = options.source;
    this.#plan = options.plan;
  }

  /** Lower-case name -> value; complete, and trustworthy, only when the iteration has ended without an error. */
  get trailers(): ReadonlyMap<string, string> {
    return this.#trailers;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for await (const input of this.#source) {
      let position = 0;
      while (position < input.length) {
        if (this.#state !== 'data') {
          position = this.#readLine(input, position);
          continue;
        }
        const slice = input.subarray(position, position + this.#remainingBytes);
        position += slice.length;
        this.#remainingBytes -= slice.length;
        if (this.#remainingBytes === 0) this.#state = 'dataEnd';
        this.#plan.verifier?.update(slice);
        yield slice;
      }
    }
    this.#finish();
  }

  /** Takes bytes up to and including the next LF; returns the position after them. */
  #readLine(input: Buffer, position: number): number {
    const room = MAX_LINE_BYTES - this.#line.length;
    const window = input.subarray(position, position + room);
    const newline = window.indexOf(LF);
    const taken = newline < 0 ? window.length : newline + 1;
    this.#line += window.toString('latin1', 0, taken);
    if (newline >= 0) {
      const line = this.#line;
      this.#line = '';
      this.#takeLine(line);
    } else if (this.#line.length >= MAX_LINE_BYTES) {
      throw this.#state === 'trailer' ? malformedTrailer('a line is too long') : malformed('a line is too long');
    }
    return position + taken;
  }

  #takeLine(line: string): void {
    switch (this.#state) {
      case 'header':
        this.#takeHeader(line);
        return;
      case 'trailer':
        this.#takeTrailer(line.slice(0, line.endsWith('\r\n') ? -2 : -1));
        return;
      default:
        if (line !== '\r\n') throw malformed('a chunk is longer than its header says');
        if (this.#plan.signed) this.#plan.verifier?.verifyChunk(this.#chunkSignature);
        this.#state = 'header';
    }
  }

  #takeHeader(line: string): void {
    if (!line.endsWith('\r\n')) throw malformed('a chunk header does not end with CRLF');
    const semicolon = line.indexOf(';');
    const sizeBytes = parseSize(line.slice(0, semicolon < 0 ? -2 : semicolon));
    const extension = semicolon < 0 ? null : line.slice(semicolon + 1, -2);
    if (this.#plan.signed) {
      if (extension?.startsWith(SIGNATURE_EXTENSION) !== true) throw malformed('a chunk has no signature');
      this.#chunkSignature = extension.slice(SIGNATURE_EXTENSION.length);
    } else if (extension !== null) {
      throw malformed('an unsigned chunk has an extension');
    }
    if (sizeBytes === 0) {
      this.#takeLastChunk();
      return;
    }
    this.#checkSize(sizeBytes);
    this.#decodedBytes += sizeBytes;
    this.#remainingBytes = sizeBytes;
    this.#state = 'data';
  }

  #checkSize(sizeBytes: number): void {
    this.#chunkIndex++;
    if (this.#plan.signed && this.#lastChunkBytes < MIN_SIGNED_CHUNK_BYTES) {
      throw new S3Error('InvalidChunkSizeError', {
        detail: { Chunk: String(this.#chunkIndex - 1), BadChunkSize: String(this.#lastChunkBytes) },
      });
    }
    this.#lastChunkBytes = sizeBytes;
    if (sizeBytes > this.#plan.decodedLengthBytes - this.#decodedBytes) {
      throw malformed('the chunks hold more bytes than x-amz-decoded-content-length says');
    }
  }

  #takeLastChunk(): void {
    if (this.#decodedBytes !== this.#plan.decodedLengthBytes) {
      throw malformed('the chunks hold fewer bytes than x-amz-decoded-content-length says');
    }
    if (this.#plan.signed) this.#plan.verifier?.verifyChunk(this.#chunkSignature);
    this.#state = 'trailer';
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#blankLast = true;
      if (++this.#blankLines > MAX_BLANK_LINES) throw malformedTrailer('too many blank lines');
      return;
    }
    this.#blankLast = false;
    if (!this.#plan.trailer) throw malformedTrailer('trailers were not announced');
    if (this.#trailerSigned) throw malformedTrailer('a line follows the signature');
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformedTrailer('a line has no name');
    const name = trimBlanks(line.slice(0, colon)).toLowerCase();
    const value = trimBlanks(line.slice(colon + 1));
    if (name === TRAILER_SIGNATURE && this.#plan.signed) {
      this.#trailerSigned = true;
      this.#plan.verifier?.verifyTrailer(this.#canonicalTrailers(), value);
      return;
    }
    if (!this.#plan.trailerNames.includes(name)) throw malformedTrailer(`${name} is not in x-amz-trailer`);
    if (this.#trailers.has(name)) throw malformedTrailer(`${name} comes twice`);
    this.#trailers.set(name, value);
  }

  #canonicalTrailers(): string {
    return [...this.#trailers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`)
      .join('');
  }

  #finish(): void {
    if (this.#state !== 'trailer' || this.#line !== '' || !this.#blankLast) throw malformed('the body is truncated');
    for (const name of this.#plan.trailerNames) {
      if (!this.#trailers.has(name)) throw malformedTrailer(`${name} is missing`);
    }
    if (this.#plan.signed && this.#plan.trailer && !this.#trailerSigned) {
      throw malformedTrailer(`${TRAILER_SIGNATURE} is missing`);
    }
  }
}

/** Only what HTTP calls white space: String.trim would also take control characters that somebody put there. */
function trimBlanks(text: string): string {
  return text.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
}

function parseSize(digits: string): number {
  if (digits === '' || digits.length > MAX_SIZE_DIGITS || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw malformed('a chunk size is not a hexadecimal number');
  }
  return Number.parseInt(digits, 16);
}

function malformed(reason: string): S3Error {
  return new S3Error('IncompleteBody', { message: `The aws-chunked request body is not valid: ${reason}` });
}

function malformedTrailer(reason: string): S3Error {
  return new S3Error('MalformedTrailerError', {
    message: `The request contained trailing data that was not well-formed or did not conform to our published schema: ${reason}`,
  });
}
