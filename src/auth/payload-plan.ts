/**
 * Reads from the headers how the body is to be checked: the x-amz-content-sha256 values of
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { S3Error } from '../s3/errors.js';
import type { ChunkVerifier } from './chunk-verifier.js';
import { asymmetricNotImplemented, invalidArgument } from './failures.js';
import type { ChunkedPayload, PayloadPlan } from './types.js';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
const SIGNED_CHUNKS = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';
const SIGNED_CHUNKS_TRAILER = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER';
const ASYMMETRIC_PREFIX = 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD';

const UNSIGNED: PayloadPlan = Object.freeze({ kind: 'unsigned' });

export interface PayloadPlanOptions {
  /** x-amz-content-sha256 as a header or query parameter; undefined if absent. */
  readonly contentSha256: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes the verifier of signed chunks; null when the request has no SigV4 signature to start the chain from. */
  readonly chunkVerifier: (() => ChunkVerifier) | null;
}

/** Throws InvalidArgument, MissingContentLength, or NotImplemented for SigV4A's streaming forms. */
export function planPayload(options: PayloadPlanOptions): PayloadPlan {
  const { contentSha256, headers, chunkVerifier } = options;
  if (contentSha256 === undefined || contentSha256 === UNSIGNED_PAYLOAD) return unsignedOrFramed(headers);
  if (isSha256Hex(contentSha256)) return { kind: 'sha256', hex: contentSha256.toLowerCase() };
  if (contentSha256 === UNSIGNED_TRAILER) return framed(headers, { trailer: true, verifier: null });
  if (contentSha256 === SIGNED_CHUNKS || contentSha256 === SIGNED_CHUNKS_TRAILER) {
    if (chunkVerifier === null) {
      throw invalidArgument('x-amz-content-sha256', contentSha256, 'Signed chunks need a Signature Version 4 request');
    }
    return framed(headers, { trailer: contentSha256 === SIGNED_CHUNKS_TRAILER, verifier: chunkVerifier() });
  }
  if (contentSha256.startsWith(ASYMMETRIC_PREFIX)) throw asymmetricNotImplemented(contentSha256);
  throw invalidArgument(
    'x-amz-content-sha256',
    contentSha256,
    `x-amz-content-sha256 must be ${UNSIGNED_PAYLOAD}, ${UNSIGNED_TRAILER}, ${SIGNED_CHUNKS}, ${SIGNED_CHUNKS_TRAILER} or a valid sha256 value.`,
  );
}

function isSha256Hex(text: string): boolean {
  if (text.length !== 64) return false;
  for (let i = 0; i < 64; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) continue;
    if ((code | 0x20) < 0x61 || (code | 0x20) > 0x66) return false;
  }
  return true;
}

/**
 * SigV2 and unsigned clients can frame a body without naming a STREAMING value. The decoded length gives them away, and
 * storing the framing as object data would corrupt it.
 */
function unsignedOrFramed(headers: Readonly<Record<string, string>>): PayloadPlan {
  if (headers['x-amz-decoded-content-length'] === undefined) return UNSIGNED;
  const codings = headers['content-encoding']?.toLowerCase().split(',') ?? [];
  if (!codings.some((coding) => coding.trim() === 'aws-chunked')) return UNSIGNED;
  return framed(headers, { trailer: headers['x-amz-trailer'] !== undefined, verifier: null });
}

function framed(
  headers: Readonly<Record<string, string>>,
  { trailer, verifier }: { trailer: boolean; verifier: ChunkVerifier | null },
): ChunkedPayload {
  return {
    kind: 'chunked',
    signed: verifier !== null,
    trailer,
    trailerNames: trailer ? trailerNames(headers['x-amz-trailer']) : [],
    decodedLengthBytes: decodedLength(headers['x-amz-decoded-content-length']),
    verifier,
  };
}

function decodedLength(header: string | undefined): number {
  if (header === undefined || header === '') {
    throw new S3Error('MissingContentLength', {
      message: 'You must provide the x-amz-decoded-content-length HTTP header.',
    });
  }
  const lengthBytes = /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN;
  if (!Number.isSafeInteger(lengthBytes)) {
    throw invalidArgument('x-amz-decoded-content-length', header, 'x-amz-decoded-content-length must be a number');
  }
  return lengthBytes;
}

function trailerNames(header: string | undefined): string[] {
  if (header === undefined) return [];
  const names = header.split(',').map((name) => name.trim().toLowerCase());
  return [...new Set(names)].filter((name) => name !== '');
}
