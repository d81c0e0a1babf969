/** A request body with the checks of its payload plan applied while it streams. */
import { createHash } from 'node:crypto';
import { S3Error } from '../s3/errors.js';
import { AwsChunkedDecoder } from './aws-chunked.js';
import type { PayloadPlan } from './types.js';

export interface CheckedPayload {
  /** The object's bytes. Nothing may be committed before the iteration has ended without an error. */
  readonly body: AsyncIterable<Buffer>;
  /** Lower-case name -> value; filled when the iteration has ended. */
  readonly trailers: ReadonlyMap<string, string>;
}

/**
 * Applies a plan to a body: removes the aws-chunked framing and verifies what the plan says. The result can be iterated
 * once, and fails with the errors of AwsChunkedDecoder or verifySha256.
 */
export function checkedPayload(source: AsyncIterable<Buffer>, plan: PayloadPlan): CheckedPayload {
  switch (plan.kind) {
    case 'unsigned':
      return { body: source, trailers: new Map() };
    case 'sha256':
      return { body: verifySha256(source, plan.hex), trailers: new Map() };
    case 'chunked': {
      const decoder = new AwsChunkedDecoder({ source, plan });
      return { body: decoder, trailers: decoder.trailers };
    }
  }
}

/** Passes a body through and, at its end, throws XAmzContentSHA256Mismatch if its SHA-256 is not `expectedHex`. */
export async function* verifySha256(
  source: AsyncIterable<Buffer>,
  expectedHex: string,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const data of source) {
    hash.update(data);
    yield data;
  }
  const computedHex = hash.digest('hex');
  if (computedHex === expectedHex.toLowerCase()) return;
  throw new S3Error('XAmzContentSHA256Mismatch', {
    detail: { ClientComputedContentSHA256: expectedHex, S3ComputedContentSHA256: computedHex },
  });
}
