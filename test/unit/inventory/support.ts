// Configurations, rows and files for the tests of the inventory reports.
import type { Column, Row } from '../../../src/inventory/columns.js';
import type { FileLimits, FileWriter } from '../../../src/inventory/data-file.js';
import { DEFAULT_FILE_LIMITS } from '../../../src/inventory/data-file.js';
import { RowFeed } from '../../../src/inventory/row-feed.js';
import type { InventoryConfiguration } from '../../../src/s3/inventory.js';

export function configuration(overrides: Partial<InventoryConfiguration> = {}): InventoryConfiguration {
  return {
    id: 'report',
    enabled: true,
    prefix: null,
    allVersions: false,
    frequency: 'Daily',
    fields: null,
    destination: { bucket: 'target', accountId: null, format: 'CSV', prefix: null, encryption: null },
    ...overrides,
  };
}

/** Pages of that many rows. */
export function feedOf(rows: readonly Row[], pageSize = 1000): RowFeed {
  return new RowFeed(
    (async function* () {
      for (let at = 0; at < rows.length; at += pageSize) {
        await Promise.resolve();
        yield rows.slice(at, at + pageSize);
      }
    })(),
  );
}

/** All files that the rows make. */
export async function filesOf(
  write: FileWriter,
  columns: readonly Column[],
  rows: readonly Row[],
  limits: Partial<FileLimits> = {},
): Promise<Buffer[]> {
  const feed = feedOf(rows);
  const files: Buffer[] = [];
  while (await feed.more()) {
    const pieces: Buffer[] = [];
    for await (const piece of write(feed, columns, { ...DEFAULT_FILE_LIMITS, ...limits })) pieces.push(piece);
    files.push(Buffer.concat(pieces));
  }
  return files;
}
