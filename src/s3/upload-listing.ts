/**
 * Paging through a bucket's open uploads by (key, upload id), with prefix and delimiter, on top of a store's ordered scan. Like
 * listing.ts, but a page may end between two uploads of one key. Pure but for the scan.
 */
import { compareKeys, prefixEnd } from '../store/key-order.js';
import type { UploadScan } from '../store/types.js';

export interface UploadListRequest {
  readonly prefix: string;
  /** '' = none */
  readonly delimiter: string;
  /** exclusive, except for what uploadIdMarker lets in; '' = from the start */
  readonly keyMarker: string;
  /** uploads of key keyMarker after this one are wanted too; '' = none of them; means nothing without keyMarker */
  readonly uploadIdMarker: string;
  /** uploads + common prefixes at most */
  readonly maxUploads: number;
}

export interface UploadListing<Upload> {
  readonly uploads: readonly Upload[];
  readonly commonPrefixes: readonly string[];
  readonly truncated: boolean;
  /** Markers of the next page; null when there is none. A common prefix has no upload id. */
  readonly nextKeyMarker: string | null;
  readonly nextUploadIdMarker: string | null;
}

interface Named {
  readonly key: string;
  readonly uploadId: string;
}

type Position = Pick<UploadScan, 'from' | 'inclusive' | 'fromUploadIdAfter'>;

/** More than an upload id has: what a marker says beyond does not change which ids are greater. */
const MAX_MARKER = 64;

/** Rows read at once while a delimiter is in play: enough for small folders, cheap to throw away at a big one. */
const DELIMITER_PAGE = 128;

/** scan: uploads in order, at most scan.limit, fewer only at the end of the stretch. */
export async function listUploads<Upload extends Named>(
  scan: (scan: UploadScan) => Promise<readonly Upload[]>,
  request: UploadListRequest,
): Promise<UploadListing<Upload>> {
  const { prefix, delimiter, maxUploads } = request;
  const uploads: Upload[] = [];
  const commonPrefixes: string[] = [];
  const end = prefixEnd(prefix);
  let common: string | null = null;
  let last: { readonly key: string; readonly uploadId: string | null } | null = null;
  let position = startOf(request);
  while (maxUploads > 0 && position !== null) {
    // One more than is wanted tells whether the listing is truncated.
    const wanted = maxUploads - uploads.length - commonPrefixes.length + 1;
    const limit: number = delimiter === '' ? wanted : Math.min(wanted, DELIMITER_PAGE);
    const page: readonly Upload[] = await scan({ ...position, end, limit });
    for (const upload of page) {
      if (common !== null && upload.key.startsWith(common)) continue;
      if (uploads.length + commonPrefixes.length >= maxUploads)
        return {
          uploads,
          commonPrefixes,
          truncated: true,
          nextKeyMarker: last?.key ?? null,
          nextUploadIdMarker: last?.uploadId ?? null,
        };
      const at = delimiter === '' ? -1 : upload.key.indexOf(delimiter, prefix.length);
      if (at < 0) {
        common = null;
        uploads.push(upload);
        last = { key: upload.key, uploadId: upload.uploadId };
      } else {
        common = upload.key.slice(0, at + delimiter.length);
        commonPrefixes.push(common);
        last = { key: common, uploadId: null };
      }
    }
    const tail = page[page.length - 1];
    if (tail === undefined || page.length < limit) break;
    position =
      common !== null && tail.key.startsWith(common)
        ? startAt(prefixEnd(common))
        : { from: tail.key, inclusive: false, fromUploadIdAfter: tail.uploadId };
  }
  return { uploads, commonPrefixes, truncated: false, nextKeyMarker: null, nextUploadIdMarker: null };
}

function startOf({ prefix, delimiter, keyMarker, uploadIdMarker }: UploadListRequest): Position | null {
  if (keyMarker === '' || compareKeys(keyMarker, prefix) < 0) return startAt(prefix);
  if (delimiter !== '' && keyMarker.startsWith(prefix)) {
    const at = keyMarker.indexOf(delimiter, prefix.length);
    // A marker that is a common prefix was answered as one: everything below it is done.
    if (at >= 0 && at + delimiter.length === keyMarker.length) return startAt(prefixEnd(keyMarker));
  }
  return {
    from: keyMarker,
    inclusive: false,
    fromUploadIdAfter: uploadIdMarker === '' ? null : uploadIdMarker.slice(0, MAX_MARKER),
  };
}

function startAt(key: string | null): Position | null {
  return key === null ? null : { from: key, inclusive: true, fromUploadIdAfter: null };
}
