/**
 * Scan ranges: the records that begin in a range of the object's bytes, whole ones, also when they end after it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ScanRange.html
 */
import { fault } from './fault.js';
import type { ScanRange, SelectedObject } from './types.js';

export interface ByteRange {
  readonly start: number;
  /** inclusive */
  readonly end: number;
}

/** null: all of the object. @throws S3Error InvalidScanRange */
export function scanRangeOf(range: ScanRange | null, sizeBytes: number): ByteRange | null {
  if (range === null || sizeBytes === 0) return null;
  const { start, end } = range;
  const last = sizeBytes - 1;
  if (start === null) {
    if (end === null) return null;
    if (end === 0) throw fault('InvalidScanRange', null, 'the last 0 bytes');
    return { start: Math.max(0, sizeBytes - end), end: last };
  }
  if (start > last) throw fault('InvalidScanRange', null, `the object has ${sizeBytes} bytes`);
  if (end !== null && end < start) throw fault('InvalidScanRange', null, 'End is before Start');
  return { start, end: Math.min(end ?? last, last) };
}

/**
 * The bytes of the records that begin within the range. The delimiter before the range tells whether a record begins with it.
 * @param delimiter that ends every record
 */
export async function* recordsBytes(
  object: SelectedObject,
  range: ByteRange,
  delimiter: Buffer,
): AsyncGenerator<Buffer, void, void> {
  const width = delimiter.length;
  let offset = Math.max(0, range.start - width);
  let started = range.start === 0;
  // A delimiter may lie across two pieces: the end of one is looked at again with the next.
  let carried: Buffer = Buffer.alloc(0);
  for await (const piece of object.read({ start: offset, end: object.sizeBytes - 1 })) {
    let bytes: Buffer = carried.length === 0 ? piece : Buffer.concat([carried, piece]);
    let base = offset - carried.length;
    offset += piece.length;
    carried = Buffer.alloc(0);
    if (!started) {
      const found = bytes.indexOf(delimiter);
      if (found < 0) {
        carried = Buffer.from(bytes.subarray(Math.max(0, bytes.length - width + 1)));
        continue;
      }
      bytes = bytes.subarray(found + width);
      base += found + width;
      if (base > range.end) return;
      started = true;
    }
    // The record that the range ends in ends with the first delimiter after which a record would begin outside.
    const from = Math.max(0, range.end + 1 - width - base);
    const last = from < bytes.length ? bytes.indexOf(delimiter, from) : -1;
    if (last >= 0) {
      yield bytes.subarray(0, last + width);
      return;
    }
    const kept = Math.min(width - 1, bytes.length);
    carried = Buffer.from(bytes.subarray(bytes.length - kept));
    if (bytes.length > kept) yield bytes.subarray(0, bytes.length - kept);
  }
  if (started && carried.length > 0) yield carried;
}
