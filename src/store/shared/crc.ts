/** The CRC32C that every stored chunk carries. */
import { crc32c } from '@node-rs/crc32';

/** Of the buffers one after another, unsigned. */
export function chunkCrc(payload: readonly Buffer[]): number {
  let crc = 0;
  for (const piece of payload) crc = crc32c(piece, crc);
  return crc >>> 0;
}
