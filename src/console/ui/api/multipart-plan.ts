/** How a file is cut into parts. Pure. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */

const MIB = 1024 * 1024;
/** Larger files go in parts. */
export const MULTIPART_BYTES = 16 * MIB;
const MIN_PART_BYTES = 8 * MIB;
const MAX_PARTS = 10_000;

export interface PartPlan {
  readonly partBytes: number;
  readonly parts: number;
}

/** Parts of at least 8 MiB, in whole MiB, and not more than 10,000 of them. */
export function planParts(sizeBytes: number): PartPlan {
  const needed = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  const partBytes = Math.max(MIN_PART_BYTES, needed);
  return { partBytes, parts: Math.max(1, Math.ceil(sizeBytes / partBytes)) };
}
