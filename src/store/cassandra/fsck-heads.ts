/** All versions of all keys out of object_head, each with the rows that the listings must have of it. */
import { consistencyOf } from '../consistency.js';
import { StoreError } from '../errors.js';
import type { AuditedVersion, AuditPage, AuditScan, ListingRow, RowFault } from '../audit.js';
import type { ObjectVersion } from '../types.js';
import type { Session } from './cluster.js';
import { encodeObjectEntry, encodeVersionEntry } from './entry-codec.js';
import { tokenScan } from './fsck-token-scan.js';
import { decode, isWhole } from './head-rows.js';
import { booleanOf, required, textOf, uuidOf } from './rows.js';
import type { Row } from './rows.js';

const PAGE_ROWS = 500;
/** With inline bytes: a few MiB. */
const INLINE_PAGE_ROWS = 50;

/** A version that was read; whether it is the key's newest may depend on the next one. */
interface Pending {
  readonly bucket: string;
  readonly key: string;
  readonly version: ObjectVersion;
  readonly versioned: boolean;
}

export async function* auditHeads(
  session: Session,
  { cursor, signal, withInline }: AuditScan & { readonly withInline: boolean },
): AsyncGenerator<AuditPage<AuditedVersion>> {
  const grouping = new Grouping();
  const scan = tokenScan({
    session,
    table: 'object_head',
    partitionKey: ['bucket', 'key'],
    columns: ['bucket', 'key', 'slot', 'versioned', 'doc', ...(withInline ? ['inline'] : [])],
    pageRows: withInline ? INLINE_PAGE_ROWS : PAGE_ROWS,
    cursor,
    signal,
  });
  for await (const page of scan) {
    const items: AuditedVersion[] = [];
    const faults: RowFault[] = [];
    for (const row of page.rows) {
      if (textOf(row, 'doc') === null) continue;
      const bucket = required(uuidOf(row, 'bucket'), 'bucket');
      const key = required(textOf(row, 'key'), 'key');
      const version = decoded(row);
      if (version === null) {
        faults.push({
          bucket,
          key,
          what: 'the document of a version cannot be read',
          versionId: null,
          mendable: false,
        });
        continue;
      }
      if (withInline && !isWhole(row)) {
        const { versionId } = version;
        const what = 'the inline bytes of a version are missing or damaged';
        faults.push({ bucket, key, what, versionId, mendable: false });
      }
      items.push(...grouping.add({ bucket, key, version, versioned: booleanOf(row, 'versioned') === true }));
    }
    if (page.cursor !== null) items.push(...grouping.end());
    yield { items, faults, cursor: page.cursor, fraction: page.fraction };
  }
}

/** The null version comes first whatever its age: only the row behind it tells whether it is the newest. */
class Grouping {
  #first: Pending | null = null;
  #key = '';

  add(row: Pending): AuditedVersion[] {
    const name = `${row.bucket}/${row.key}`;
    if (consistencyOf({ instance: row.bucket }) === 'quorum') {
      // The newest row comes first; those below it are nothing any more.
      if (name === this.#key) return [];
      const before = this.end();
      this.#key = name;
      return [...before, audited(row, true)];
    }
    if (name !== this.#key) {
      const before = this.end();
      this.#key = name;
      if (row.version.versionId !== 'null') return [...before, audited(row, true)];
      this.#first = row;
      return before;
    }
    const first = this.#first;
    this.#first = null;
    if (first === null) return [audited(row, false)];
    const newer = first.version.seq > row.version.seq;
    return [audited(first, newer), audited(row, !newer)];
  }

  end(): AuditedVersion[] {
    const first = this.#first;
    this.#first = null;
    this.#key = '';
    return first === null ? [] : [audited(first, true)];
  }
}

function audited({ bucket, key, version, versioned }: Pending, latest: boolean): AuditedVersion {
  return { bucket, key, version, latest, listed: listedRows({ bucket, key, version, versioned, latest }) };
}

/** What the listings must say of a version. */
export function listedRows({
  bucket,
  key,
  version,
  versioned,
  latest,
}: Pending & { readonly latest: boolean }): ListingRow[] {
  const rows: ListingRow[] = [];
  if (latest && !version.deleteMarker)
    rows.push({ list: 'objects', bucket, key, sub: '', entry: encodeObjectEntry(version) });
  if (versioned)
    rows.push({ list: 'versions', bucket, key, sub: String(version.seq), entry: encodeVersionEntry(version) });
  return rows;
}

function decoded(row: Row): ObjectVersion | null {
  try {
    return decode(row);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return null;
    throw error;
  }
}
