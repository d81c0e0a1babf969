/** Leaves to the gateways what of a bucket is to be replicated once more, version by version, as a change of each would. */
import { replicationEvents, requeued } from '../s3/replicating.js';
import type { BucketRecord, MetadataStore } from '../store/types.js';

export interface RequeueOptions {
  readonly metadata: MetadataStore;
  readonly bucket: BucketRecord;
  readonly signal: AbortSignal;
  readonly onPage: (counts: RequeueCounts) => void;
}

export interface RequeueCounts {
  /** versions that were looked at */
  readonly versions: number;
  /** of them left to be replicated */
  readonly queued: number;
}

const PAGE = 1_000;

/** Repeatable: what waits already is passed over. @throws StoreError; the signal's reason */
export async function requeueBucket({ metadata, bucket, signal, onPage }: RequeueOptions): Promise<RequeueCounts> {
  let [versions, queued] = [0, 0];
  let from = '';
  let fromSeqBelow: number | null = null;
  for (;;) {
    signal.throwIfAborted();
    const scan = { from, inclusive: from === '', end: null, limit: PAGE, fromSeqBelow };
    const page = await metadata.scanVersions(bucket, scan);
    for (const { key, versionId } of page) {
      signal.throwIfAborted();
      versions += 1;
      if (await requeueVersion(metadata, bucket, { key, versionId })) queued += 1;
    }
    onPage({ versions, queued });
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return { versions, queued };
    from = last.key;
    fromSeqBelow = last.seq;
  }
}

async function requeueVersion(
  metadata: MetadataStore,
  bucket: BucketRecord,
  { key, versionId }: { readonly key: string; readonly versionId: string },
): Promise<boolean> {
  const select = { versionId };
  // Most need nothing, and reading them is cheaper than deciding so in a commit.
  const version = await metadata.getVersion(bucket, key, select, { withInline: false });
  if (version === null || requeued({ bucket, key }, version) === null) return false;
  const { changed } = await metadata.commit({
    bucket,
    key,
    select,
    events: (made) => replicationEvents(bucket, key, made),
    decide: ({ selected }) => {
      const replace = selected === null ? null : requeued({ bucket, key }, selected);
      return replace === null ? null : { replace };
    },
  });
  return changed;
}
