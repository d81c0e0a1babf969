/** What waits for the sweeper, counted by kind. */
import type { StoreAudit } from '../store/audit.js';
import { placeOf } from './fsck-context.js';

export const BACKLOG_KINDS = ['commit', 'intent', 'garbage'] as const;
export type BacklogKind = (typeof BACKLOG_KINDS)[number];

export interface BacklogFigures {
  readonly entries: number;
  readonly blobs: number;
  /** stored; null: the store does not say */
  readonly bytes: number | null;
  /** entries that the sweeper may take */
  readonly due: number;
  /** of the oldest entry, ms; null: there is none, or the store does not say */
  readonly oldestAgeMs: number | null;
  /** how long the entry that is due for longest has been so, ms; null: none is */
  readonly mostOverdueMs: number | null;
}

const NONE: BacklogFigures = { entries: 0, blobs: 0, bytes: 0, due: 0, oldestAgeMs: null, mostOverdueMs: null };

export interface CountBacklogOptions {
  readonly audit: StoreAudit;
  readonly region: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onEntries: (entries: number) => void;
}

export async function countBacklog(options: CountBacklogOptions): Promise<Record<BacklogKind, BacklogFigures>> {
  const { audit, region, now, signal } = options;
  const figures: Record<BacklogKind, BacklogFigures> = { commit: NONE, intent: NONE, garbage: NONE };
  let entries = 0;
  for await (const page of audit.regions.get(region)?.backlog({ signal }) ?? []) {
    for (const { kind, blobs, createdMs, notBeforeMs } of page) {
      const before = figures[kind];
      let bytes = before.bytes;
      for (const blob of blobs) {
        const place = placeOf(audit.places, region, blob);
        const size = (place === null ? null : await audit.places[place]?.sizeBytes(blob.inode)) ?? null;
        bytes = bytes === null || size === null ? null : bytes + size;
      }
      const isDue = notBeforeMs <= now();
      figures[kind] = {
        entries: before.entries + 1,
        blobs: before.blobs + blobs.length,
        bytes,
        due: before.due + (isDue ? 1 : 0),
        oldestAgeMs: createdMs === null ? before.oldestAgeMs : Math.max(before.oldestAgeMs ?? 0, now() - createdMs),
        mostOverdueMs: isDue ? Math.max(before.mostOverdueMs ?? 0, now() - notBeforeMs) : before.mostOverdueMs,
      };
    }
    entries += page.length;
    options.onEntries(entries);
  }
  return figures;
}
