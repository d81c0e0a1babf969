/** All multipart uploads with their parts out of upload_head, each with the row that the listing must have of it. */
import type { AuditedUpload, AuditPage, AuditScan, ListingRow, RowFault } from '../audit.js';
import { StoreError } from '../errors.js';
import { decodePart, decodeUpload, encodeUpload } from '../shared/codec.js';
import type { PartRecord, UploadRecord } from '../types.js';
import type { Session } from './cluster.js';
import { tokenScan } from './fsck-token-scan.js';
import { required, textOf, uuidOf } from './rows.js';
import type { Row } from './rows.js';

const PAGE_ROWS = 1_000;

/** An upload whose parts are being gathered: at most 10,000. */
interface Gathered {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly upload: UploadRecord | null;
  readonly parts: PartRecord[];
}

export async function* auditUploads(
  session: Session,
  { cursor, signal }: AuditScan,
): AsyncGenerator<AuditPage<AuditedUpload>> {
  let open = null as Gathered | null;
  const scan = tokenScan({
    session,
    table: 'upload_head',
    partitionKey: ['bucket', 'key', 'upload_id'],
    columns: ['bucket', 'key', 'upload_id', 'part_number', 'state', 'record', 'doc'],
    pageRows: PAGE_ROWS,
    cursor,
    signal,
  });
  for await (const page of scan) {
    const items: AuditedUpload[] = [];
    const faults: RowFault[] = [];
    for (const row of page.rows) {
      const bucket = required(uuidOf(row, 'bucket'), 'bucket');
      const key = required(textOf(row, 'key'), 'key');
      const uploadId = required(textOf(row, 'upload_id'), 'upload_id');
      try {
        if (open?.bucket !== bucket || open.key !== key || open.uploadId !== uploadId) {
          items.push(...closed(open));
          open = { bucket, key, uploadId, upload: uploadOf(row), parts: [] };
        }
        const doc = textOf(row, 'doc');
        if (doc !== null) open.parts.push(decodePart(doc));
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
        faults.push({ bucket, key, what: `the upload ${uploadId} cannot be read`, versionId: null, mendable: false });
      }
    }
    if (page.cursor !== null) {
      items.push(...closed(open));
      open = null;
    }
    yield { items, faults, cursor: page.cursor, fraction: page.fraction };
  }
}

function closed(open: Gathered | null): AuditedUpload[] {
  // A partition that holds nothing but its fence is what is left of a race with the sweeper.
  if (open === null || (open.upload === null && open.parts.length === 0)) return [];
  const { bucket, key, upload } = open;
  return [{ ...open, listed: upload === null ? [] : [uploadRow(bucket, key, upload)] }];
}

function uploadOf(row: Row): UploadRecord | null {
  const record = textOf(row, 'record');
  return record === null ? null : decodeUpload(record, uploadState(textOf(row, 'state')));
}

/** The state that the listing's record has besides does not count. */
export function uploadRow(bucket: string, key: string, upload: UploadRecord): ListingRow {
  return { list: 'uploads', bucket, key, sub: upload.uploadId, entry: encodeUpload(upload) };
}

/** @throws StoreError corrupt */
export function uploadState(state: string | null): UploadRecord['state'] {
  if (state === 'open' || state === 'completing' || state === 'aborting') return state;
  throw new StoreError('corrupt', 'notApplied', `an upload has the unknown state ${state ?? 'null'}`);
}
