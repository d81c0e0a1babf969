/** What the formats of data files have in common. */
import type { Column } from './columns.js';
import type { RowFeed } from './row-feed.js';

export interface FileLimits {
  readonly maxRows: number;
  /** A file ends after the rows with which it reaches this. */
  readonly maxBytes: number;
}

/** AWS's files are of this order too. */
export const DEFAULT_FILE_LIMITS: FileLimits = { maxRows: 1_000_000, maxBytes: 64 * 1024 * 1024 };

/** Takes the rows of one file from the feed and yields its bytes, in buffers of their own. */
export type FileWriter = (feed: RowFeed, columns: readonly Column[], limits: FileLimits) => AsyncGenerator<Buffer>;
