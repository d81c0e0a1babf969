/** MD5 where S3 asks for it: ETags and Content-MD5. Not a security function here. */
import { createHash } from 'node:crypto';
import type { Checksum } from './checksums.js';

export function createMd5(): Checksum {
  return createHash('md5');
}

/**
 * The ETag of a multipart object: MD5 of the parts' binary MD5s one after another, and the number of parts.
 * @param partEtags hex MD5 of each part, without quotes, in order
 */
export function multipartEtag(partEtags: readonly string[]): string {
  const md5 = createMd5();
  for (const etag of partEtags) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest().toString('hex')}-${partEtags.length}`;
}
