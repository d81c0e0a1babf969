/**
 * The rows of a report, page by page from the bucket's listing. Fields that the listing does not have are read from the versions,
 * a few at once; a version that is gone by then is left out, one that was replaced is told of as it is. Memory: one page.
 */
import { lifecycleOf } from '../s3/lifecycle.js';
import { prefixEnd } from '../store/key-order.js';
import type { BucketRecord, MetadataStore, ObjectVersion } from '../store/types.js';
import type { Column, Row, Subject } from './columns.js';

const PAGE = 1000;
/** Versions read at once. */
const PARALLEL = 16;

export interface RowsOptions {
  readonly metadata: Pick<MetadataStore, 'scanObjects' | 'scanVersions' | 'getVersion'>;
  readonly bucket: BucketRecord;
  readonly columns: readonly Column[];
  readonly prefix: string | null;
  readonly allVersions: boolean;
  /** how long a day of lifecycle rules lasts */
  readonly lifecycleDayMs: number;
}

type Entry = Subject['entry'];

/** @throws StoreError */
export async function* inventoryRows(options: RowsOptions): AsyncGenerator<readonly Row[]> {
  const { bucket, columns, lifecycleDayMs } = options;
  const needsVersion = columns.some((column) => column.needsVersion);
  const lifecycle = lifecycleOf(bucket);
  for await (const entries of listing(options)) {
    const subjects = needsVersion
      ? await mapInParallel(entries, (entry) => withVersion(options, entry))
      : entries.map((entry) => ({ entry, version: null }));
    const present = subjects.filter((subject) => subject !== null);
    yield present.map((found) => {
      const subject = { ...found, bucket, lifecycle, lifecycleDayMs };
      return columns.map(({ valueOf }) => valueOf(subject));
    });
  }
}

async function* listing({ metadata, bucket, prefix, allVersions }: RowsOptions): AsyncGenerator<readonly Entry[]> {
  const end = prefix === null ? null : prefixEnd(prefix);
  let from = prefix ?? '';
  let inclusive = true;
  let fromSeqBelow: number | null = null;
  for (;;) {
    const scan = { from, inclusive, end, limit: PAGE };
    if (allVersions) {
      const page = await metadata.scanVersions(bucket, { ...scan, fromSeqBelow });
      if (page.length > 0) yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      from = last.key;
      fromSeqBelow = last.seq;
    } else {
      const page = await metadata.scanObjects(bucket, scan);
      if (page.length > 0)
        yield page.map((entry) => ({ ...entry, versionId: 'null', deleteMarker: false, latest: true }));
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      from = last.key;
    }
    inclusive = false;
  }
}

async function withVersion(
  { metadata, bucket, allVersions }: RowsOptions,
  entry: Entry,
): Promise<Pick<Subject, 'entry' | 'version'> | null> {
  if (entry.deleteMarker) return { entry, version: null };
  const select = allVersions ? { versionId: entry.versionId } : 'latest';
  const version = await metadata.getVersion(bucket, entry.key, select, { withInline: false });
  if (version === null) return null;
  if (!version.deleteMarker) return { entry: entryOf(entry, version), version };
  return allVersions ? { entry: entryOf(entry, version), version: null } : null;
}

/** All of a row comes from the same state of the version. */
function entryOf(entry: Entry, version: ObjectVersion): Entry {
  const { sizeBytes, etag, lastModified, storageClass, owner, checksum, deleteMarker } = version;
  const checksumAlgorithm = checksum?.algorithm ?? null;
  return { ...entry, sizeBytes, etag, lastModified, storageClass, owner, deleteMarker, checksumAlgorithm };
}

async function mapInParallel<In, Out>(items: readonly In[], map: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  return results;
}
