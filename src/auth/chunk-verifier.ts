/**
 * The chain of signatures over the chunks of a SigV4 streaming upload: each chunk's signature covers the one before it,
 * starting from the signature of the request.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
import { createHash, type Hash } from 'node:crypto';
import { signatureDoesNotMatch } from './failures.js';
import { sha256Hex, signaturesEqual, signV4 } from './signatures.js';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface ChunkVerifierOptions {
  readonly accessKey: string;
  readonly signingKey: Buffer;
  /** The request's date, ISO 8601 basic. */
  readonly timestamp: string;
  /** "date/region/service/aws4_request" */
  readonly scope: string;
  /** The request's own signature. */
  readonly seedSignature: string;
}

/** Stateful: serves exactly one pass over one body. */
export class ChunkVerifier {
  readonly #options: ChunkVerifierOptions;
  #previous: string;
  #hash: Hash | null = null;

  constructor(options: ChunkVerifierOptions) {
    this.#options = options;
    this.#previous = options.seedSignature;
  }

  /** Takes the next bytes of the current chunk. */
  update(data: Uint8Array): void {
    this.#hash ??= createHash('sha256');
    this.#hash.update(data);
  }

  /** Ends the current chunk; throws SignatureDoesNotMatch. */
  verifyChunk(signature: string): void {
    const chunkHash = this.#hash === null ? EMPTY_SHA256 : this.#hash.digest('hex');
    this.#hash = null;
    this.#verify('AWS4-HMAC-SHA256-PAYLOAD', `${EMPTY_SHA256}\n${chunkHash}`, signature);
  }

  /** Verifies the trailers, given as "name:value\n" lines in order of name; throws SignatureDoesNotMatch. */
  verifyTrailer(canonicalTrailers: string, signature: string): void {
    this.#verify('AWS4-HMAC-SHA256-TRAILER', sha256Hex(canonicalTrailers), signature);
  }

  #verify(algorithm: string, digest: string, provided: string): void {
    const { accessKey, signingKey, timestamp, scope } = this.#options;
    const stringToSign = `${algorithm}\n${timestamp}\n${scope}\n${this.#previous}\n${digest}`;
    const expected = signV4(signingKey, stringToSign);
    if (!signaturesEqual(expected, provided)) throw signatureDoesNotMatch({ accessKey, provided, stringToSign });
    this.#previous = expected;
  }
}
