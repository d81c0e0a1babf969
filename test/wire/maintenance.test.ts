// The commands that an operator runs beside a gateway: fsck, gc, usage; and what clients get of data that is damaged.
import { mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Problem } from '../../src/maintenance/figures.js';
import { connectCassandra, useCassandra } from '../support/cassandra.js';
import { cassandraConfig, embeddedConfig } from '../support/config.js';
import type { RunResult } from '../support/run.js';
import { pithos } from '../support/server.js';
import { bytes, KIB, MIB, read } from './helpers.js';
import { describeWire } from './servers.js';
import type { Wire } from './servers.js';

/** Short, but longer than a write takes on a busy machine. */
const GRACE = '10s';

const command = (wire: Wire, ...args: readonly string[]): Promise<RunResult> =>
  pithos([...args, '-f', wire.server.configFile]);

interface Report {
  readonly clean: boolean;
  readonly figures: Readonly<Record<string, number>>;
  readonly usage: { readonly buckets: readonly (Readonly<Record<string, unknown>> & { readonly bucket: string })[] };
  readonly problems: readonly Problem[];
}

async function fsck(wire: Wire, exitCode: number, ...args: readonly string[]): Promise<Report> {
  const result = await command(wire, 'fsck', '--json', ...args);
  expect(result.code, result.stderr + result.stdout).toBe(exitCode);
  return JSON.parse(result.stdout) as Report;
}

/** Changes a byte in the middle of a stored chunk, behind the store's back. */
async function damageSomeChunk(wire: Wire): Promise<void> {
  const { dataDir, keyspace } = wire.home;
  if (keyspace === null) {
    const entries = await readdir(path.join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    const sizes = await Promise.all(files.map(async (name) => (await stat(name)).size));
    const blob = files.find((_name, i) => (sizes[i] ?? 0) > 201 * KIB);
    if (blob === undefined) throw new Error('there is no blob of that size');
    const file = await open(blob, 'r+');
    await file.write(Buffer.from('damaged'), 0, 7, 200 * KIB);
    await file.close();
    return;
  }
  const client = await connectCassandra({ ...useCassandra(), keyspace });
  try {
    // In the order of random names: the first may be the short end of a blob.
    const found = await client.execute('SELECT inode, block, chunk, payload FROM blob_block');
    const row = found.rows.find((one) => (one.get('payload') as Buffer).length > 2000);
    if (row === undefined) throw new Error('there is no chunk of that size');
    const payload = Buffer.from(row.get('payload') as Buffer);
    payload.write('damaged', 1000);
    await client.execute(
      'UPDATE blob_block SET payload = ? WHERE inode = ? AND block = ? AND chunk = ?',
      [payload, row.get('inode'), row.get('block'), row.get('chunk')],
      { prepare: true },
    );
  } finally {
    await client.shutdown();
  }
}

describeWire(
  'maintenance',
  (wire) => {
    it('finds nothing wrong with what clients have written, and counts it as usage does', async () => {
      const Bucket = await wire.bucket();
      await wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
      const put = (Key: string, Body: Buffer, more: object = {}) =>
        wire.s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
      await put('empty', Buffer.alloc(0));
      await put('inline', bytes(100));
      await put('sealed/inline', bytes(100), { ServerSideEncryption: 'AES256' });
      await put('large', bytes(3 * MIB));
      await put('large', bytes(3 * MIB + 1));
      await put('sealed/large', bytes(MIB + 7), { ServerSideEncryption: 'AES256' });
      await put('großer Schlüssel \u{1f600}', bytes(300 * KIB));
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/large` }));
      await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'inline' }));
      const upload = async (Key: string, complete: boolean): Promise<void> => {
        const { UploadId } = await wire.s3.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ServerSideEncryption: 'AES256' }),
        );
        const parts = [];
        for (const [PartNumber, size] of [5 * MIB, 10].entries()) {
          const number = PartNumber + 1;
          const input = { Bucket, Key, UploadId, PartNumber: number, Body: bytes(size) };
          const { ETag } = await wire.s3.send(new UploadPartCommand(input));
          parts.push({ PartNumber: number, ETag });
        }
        if (complete)
          await wire.s3.send(
            new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } }),
          );
      };
      await upload('multipart', true);
      await upload('open', false);

      const report = await fsck(wire, 0, '--data');
      expect(report).toMatchObject({ clean: true, problems: [] });
      expect(report.figures).toMatchObject({
        buckets: 1,
        versions: 9,
        deleteMarkers: 1,
        uploads: 1,
        parts: 2,
        orphans: 0,
      });
      const usage = JSON.parse((await command(wire, 'usage', '--json', '--bucket', Bucket)).stdout) as {
        readonly buckets: readonly object[];
      };
      const { region: _region, ...counted } = usage.buckets[0] as Record<string, unknown>;
      expect(report.usage.buckets).toEqual([counted]);
      expect(counted).toMatchObject({
        objects: 7,
        versions: 9,
        deleteMarkers: 1,
        uploads: 1,
        uploadBytes: 5 * MIB + 10,
      });
    });

    it('never serves a damaged chunk, and fsck names it', async () => {
      await command(wire, 'gc', '--drain');
      await damageSomeChunk(wire);
      const found = await fsck(wire, 1, '--data', '--repair');
      const [problem] = found.problems;
      expect(found.problems).toEqual([expect.objectContaining({ kind: 'data-corrupt', repaired: false })]);
      if (problem?.bucket === undefined || problem.key === undefined) throw new Error('the problem has no key');
      const input = {
        Bucket: problem.bucket,
        Key: problem.key,
        ...(problem.versionId !== undefined && { VersionId: problem.versionId }),
      };
      if (problem.uploadId === undefined) {
        expect(await wire.s3.send(new HeadObjectCommand(input))).toBeTruthy();
        // The damage may lie behind bytes that were sent already: then the connection breaks.
        await expect(read(wire.s3, input)).rejects.toThrow();
      }
      const text = await command(wire, 'fsck', '--data', '--bucket', problem.bucket);
      expect(text.code).toBe(1);
      expect(text.stdout).toContain(`data-corrupt: bucket ${problem.bucket}, key ${JSON.stringify(problem.key)}`);
      const without = { Bucket: problem.bucket, Key: problem.key };
      await wire.s3.send(new DeleteObjectCommand('VersionId' in input ? input : without));
    });

    it('gc shows what waits, and drains what is due', async () => {
      const Bucket = await wire.bucket();
      for (const seed of [1, 2, 3])
        await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'often', Body: bytes(400 * KIB, seed) }));
      interface Backlog {
        readonly swept?: { readonly entries: number; readonly blobs: number; readonly failures: number };
        readonly regions: readonly {
          readonly backlog: {
            readonly garbage: { readonly entries: number; readonly blobs: number; readonly due: number };
          };
        }[];
      }
      const gc = async (...args: readonly string[]): Promise<Backlog> => {
        const result = await command(wire, 'gc', '--json', ...args);
        expect(result.code, result.stderr).toBe(0);
        return JSON.parse(result.stdout) as Backlog;
      };
      const waiting = (await gc()).regions[0]?.backlog.garbage.blobs ?? 0;
      expect(waiting).toBeGreaterThanOrEqual(2);
      let removed = 0;
      await expect
        .poll(
          async () => {
            const { swept, regions } = await gc('--drain');
            removed += swept?.blobs ?? 0;
            return regions[0]?.backlog.garbage.entries;
          },
          { timeout: 60_000, interval: 1_000 },
        )
        .toBe(0);
      expect(removed).toBeGreaterThanOrEqual(2);
      const { content } = await read(wire.s3, { Bucket, Key: 'often' });
      expect(content.equals(bytes(400 * KIB, 3))).toBe(true);
    });

    it('says by its exit code that it was asked wrongly or could not finish', async () => {
      for (const args of [['--bucket', 'no-such-bucket'], ['--throttle', 'fast'], ['--drain']]) {
        const { code, stdout, stderr } = await command(wire, 'fsck', ...args);
        expect([code, stdout]).toEqual([2, '']);
        expect(stderr).toContain('Usage: node dist/server');
      }
      expect((await command(wire, 'usage', '--bucket', 'a', '--tenant', 'b')).code).toBe(2);
    });
  },
  { gc: { interval: '0', grace: GRACE, 'intent-lease': GRACE } },
  { ownKeyspace: true },
);

describe('maintenance without a store', () => {
  it.each([
    ['a folder that cannot be', embeddedConfig({ dataDir: '/dev/null/nowhere' })],
    ['a Cassandra that is not there', cassandraConfig({ contactPoints: ['127.0.0.1:1'], keyspace: 'none' })],
    ['a configuration with faults', { nonsense: true }],
  ])('could not finish: exit code 3 (%s)', async (_what, config) => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-maintenance-'));
    try {
      const file = path.join(dir, 'pithos.yaml');
      await writeFile(file, stringify({ ...config, logging: { console: false } }));
      for (const action of ['fsck', 'gc', 'usage']) {
        const { code, stdout, stderr } = await pithos([action, '-f', file, '--json']);
        expect(code, stderr).toBe(3);
        expect(stdout).toBe('');
        expect(stderr).not.toBe('');
      }
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('tells the options of an action', async () => {
    const { code, stdout } = await pithos(['help', 'fsck']);
    expect(code).toBe(0);
    expect(stdout).toContain('--repair');
  });
});
