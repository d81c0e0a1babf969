/** Reads the XML document of a request, with the integrity checks that go with it. */
import { createHash } from 'node:crypto';
import type { ChecksumAlgorithm } from '../data/checksums.js';
import { createChecksum } from '../data/checksums.js';
import { expectedDigests, verifyDigests } from './checksum-headers.js';
import type { OperationContext } from './context.js';
import { S3Error } from './errors.js';

/**
 * The body, its Content-MD5 and x-amz-checksum-* verified. digest: one of them has to be there, as AWS demands of requests
 * whose body decides over data.
 * @throws S3Error BadDigest, InvalidDigest, MissingRequestBodyError (when required), InvalidRequest (no digest), MaxMessageLengthExceeded
 */
export async function xmlBody(
  context: OperationContext,
  options: { readonly required: boolean; readonly digest?: boolean; readonly maxBytes?: number },
): Promise<Buffer> {
  const { body, request, services } = context;
  if (options.digest === true && !hasDigest(request.headers))
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    });
  const expected = expectedDigests(request.headers);
  const bytes = await body.buffer(options.maxBytes ?? services.settings.maxXmlBytes);
  const digests = new Map<ChecksumAlgorithm, Buffer>();
  if (expected.algorithm !== null) {
    const checksum = createChecksum(expected.algorithm);
    checksum.update(bytes);
    digests.set(expected.algorithm, checksum.digest());
  }
  verifyDigests(expected, { md5Hex: createHash('md5').update(bytes).digest('hex'), digests }, body);
  if (options.required && bytes.length === 0) throw new S3Error('MissingRequestBodyError');
  return bytes;
}

/** Any of the ways to announce a digest; whether it is right is checked when the body is read. */
function hasDigest(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) =>
    /^(content-md5$|x-amz-(checksum-(crc|md|sha)|trailer|sdk-checksum-algorithm))/.test(name),
  );
}
