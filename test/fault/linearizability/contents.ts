/** Contents that are never the same twice, and what their ETags are. */
import { createHash } from 'node:crypto';
import type { Random } from '../../support/random.js';

const md5 = (data: Buffer | string): Buffer => createHash('md5').update(data).digest();

export const etagOfContent = (content: Buffer): string => md5(content).toString('hex');

/** Of a multipart object of one part. */
export const etagOfOnePart = (content: Buffer): string => `${md5(md5(content)).toString('hex')}-1`;

/** Small enough for the metadata row, mostly; larger than that, and of several chunks. */
const SIZES = [
  { share: 0.75, from: 40, to: 2_000 },
  { share: 0.15, from: 2_000, to: 30_000 },
  { share: 0.1, from: 40_000, to: 300_000 },
] as const;

/** `name` must be new each time. */
export function makeContent(name: string, random: Random): Buffer {
  let at = random.next();
  const size = SIZES.find(({ share }) => (at -= share) < 0) ?? SIZES[0];
  const line = `${name} ${random.integer(0, 2 ** 32).toString(36)}\n`;
  return Buffer.alloc(random.integer(size.from, size.to) + line.length, line);
}

/** Whether the bytes are those that the ETag names. */
export function isContentOf(content: Buffer, etag: string): boolean {
  return etag === (etag.endsWith('-1') ? etagOfOnePart(content) : etagOfContent(content));
}
