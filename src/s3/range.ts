/** Range requests: one byte range, as S3 serves them. Pure. */
import { S3Error } from './errors.js';

/** inclusive */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The stretch a Range header names; null means the whole object (no header, another unit, several ranges or a malformed
 * header: ignored, as RFC 9110 asks).
 * @throws S3Error InvalidRange (416) when no byte of the object is in it
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | null {
  if (header === undefined) return null;
  const match = /^bytes\s*=\s*(\d*)\s*-\s*(\d*)$/i.exec(header.trim());
  if (!match) return null;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return null;
  if (first === '') {
    const suffix = Number(last);
    if (suffix === 0 || sizeBytes === 0) throw unsatisfiable(header, sizeBytes);
    return { start: Math.max(0, sizeBytes - suffix), end: sizeBytes - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return null;
  if (start >= sizeBytes) throw unsatisfiable(header, sizeBytes);
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}

/** x-amz-copy-source-range: 'bytes=first-last', both given and inside the source. @throws S3Error InvalidArgument, InvalidRange */
export function parseCopyRange(header: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(header);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (!match || end < start)
    throw new S3Error('InvalidArgument', {
      message:
        'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      detail: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header },
    });
  if (end >= sizeBytes)
    throw new S3Error('InvalidRange', {
      message: `Range specified is not valid for source object of size: ${sizeBytes}`,
      detail: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    });
  return { start, end };
}

function unsatisfiable(header: string, sizeBytes: number): S3Error {
  return new S3Error('InvalidRange', {
    detail: { RangeRequested: header, ActualObjectSize: String(sizeBytes) },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  });
}
