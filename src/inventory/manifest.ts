/**
 * The manifest of a report, and the list of its data files for Apache Hive. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html#storage-inventory-location-manifest
 */
import { createHash } from 'node:crypto';
import type { InventoryConfiguration } from '../s3/inventory.js';
import type { Column } from './columns.js';
import { csvSchema } from './csv-file.js';
import { parquetSchema } from './parquet-file.js';

export interface DataFile {
  readonly key: string;
  readonly sizeBytes: number;
  readonly md5Hex: string;
}

export interface ManifestFacts {
  readonly source: string;
  readonly destination: InventoryConfiguration['destination'];
  readonly columns: readonly Column[];
  /** ms since the epoch: when the report was begun */
  readonly startedMs: number;
  readonly files: readonly DataFile[];
}

export function manifestJson({ source, destination, columns, startedMs, files }: ManifestFacts): string {
  const { bucket, format } = destination;
  const manifest = {
    sourceBucket: source,
    destinationBucket: `arn:aws:s3:::${bucket}`,
    version: '2016-11-30',
    creationTimestamp: String(startedMs),
    fileFormat: format,
    fileSchema: format === 'CSV' ? csvSchema(columns) : parquetSchema(columns),
    files: files.map(({ key, sizeBytes, md5Hex }) => ({ key, size: sizeBytes, MD5checksum: md5Hex })),
  };
  return JSON.stringify(manifest, null, 2);
}

/** The content of manifest.checksum: MD5 in hex on a line, as AWS has it. */
export function manifestChecksum(manifest: string): string {
  return `${createHash('md5').update(manifest).digest('hex')}\n`;
}

export function symlinks(bucket: string, files: readonly DataFile[]): string {
  return files.map(({ key }) => `s3://${bucket}/${key}\n`).join('');
}
