/** What quotas ask of the keys of a region: what became of a change, what is under way, and what there is. */
import type { BucketRef, VersionEntry, VersionScan } from '../types.js';
import type { Session } from './cluster.js';
import { auditBacklog } from './fsck-backlog.js';
import type { HeadTable } from './head-table.js';
import type { IndexWriter } from './index-writer.js';
import { OutboxSettler } from './outbox-settle.js';
import type { HoldFate } from './quota-ops.js';
import type { Hold } from './quota-table.js';
import type { Sweep } from './sweep.js';

export interface QuotaRegionParts {
  readonly region: string;
  readonly session: Session;
  readonly heads: HeadTable;
  readonly index: Pick<IndexWriter, 'repair'>;
  readonly sweep: Pick<Sweep, 'settleKey'>;
  readonly scanVersions: (bucket: BucketRef, scan: VersionScan) => Promise<readonly VersionEntry[]>;
  readonly now: () => number;
}

export class QuotaRegion {
  readonly #parts: QuotaRegionParts;
  readonly #settler: OutboxSettler;

  constructor(parts: QuotaRegionParts) {
    this.#parts = parts;
    this.#settler = new OutboxSettler(parts.heads, parts.now);
  }

  /** After it the change will not be made any more if it was not, and listings show it if it was. */
  async fateOf({ bucket, key, token, base, createdMs }: Hold): Promise<HoldFate> {
    const change = { token: Buffer.from(token, 'base64'), base: Buffer.from(base, 'base64'), createdMs };
    const fate = await this.#settler.fate({ bucket, key, ...change });
    await this.#parts.index.repair(bucket, key);
    return fate;
  }

  /**
   * Makes sure that nothing that was announced for keys of these buckets before now can be made any more, unless it has been already,
   * and that listings show it then.
   */
  async settleUnderWay(instances: ReadonlySet<string>, signal?: AbortSignal): Promise<void> {
    const { region, session, sweep } = this.#parts;
    const keys = new Map<string, { readonly bucket: BucketRef; readonly key: string }>();
    const scan = { signal: signal ?? new AbortController().signal };
    for await (const entries of auditBacklog({ session, region }, scan)) {
      for (const { kind, bucket, key } of entries)
        if (kind === 'commit' && instances.has(bucket.instance)) keys.set(`${bucket.instance}/${key}`, { bucket, key });
    }
    for (const { bucket, key } of keys.values()) {
      signal?.throwIfAborted();
      await sweep.settleKey(bucket, key);
    }
  }

  scanVersions(bucket: BucketRef, scan: VersionScan): Promise<readonly VersionEntry[]> {
    return this.#parts.scanVersions(bucket, scan);
  }
}
