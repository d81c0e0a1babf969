import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { columnsOf } from '../../../src/inventory/columns.js';
import { manifestChecksum, manifestJson, symlinks } from '../../../src/inventory/manifest.js';
import { configuration } from './support.js';

const FILES = [
  { key: 'p/source/report/data/1.csv.gz', sizeBytes: 5, md5Hex: '0123' },
  { key: 'p/source/report/data/2.csv.gz', sizeBytes: 6, md5Hex: '4567' },
];

it('a manifest is as AWS documents it', () => {
  const { destination, ...rest } = configuration({ fields: ['ETag', 'Size'] });
  const manifest = manifestJson({
    source: 'source',
    destination,
    columns: columnsOf({ ...rest, destination }),
    startedMs: 1_514_944_800_000,
    files: FILES,
  });
  expect(JSON.parse(manifest)).toEqual({
    sourceBucket: 'source',
    destinationBucket: 'arn:aws:s3:::target',
    version: '2016-11-30',
    creationTimestamp: '1514944800000',
    fileFormat: 'CSV',
    fileSchema: 'Bucket, Key, Size, ETag',
    files: [
      { key: 'p/source/report/data/1.csv.gz', size: 5, MD5checksum: '0123' },
      { key: 'p/source/report/data/2.csv.gz', size: 6, MD5checksum: '4567' },
    ],
  });
  expect(manifestChecksum(manifest).trim()).toBe(createHash('md5').update(manifest).digest('hex'));
});

it('Hive is told the files one a line', () => {
  expect(symlinks('target', FILES)).toBe(
    's3://target/p/source/report/data/1.csv.gz\ns3://target/p/source/report/data/2.csv.gz\n',
  );
});
