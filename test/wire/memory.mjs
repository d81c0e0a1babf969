// Uploads many large objects at once to a gateway and prints the highest resident memory that it reached, in MiB.
//
//   node test/wire/memory.mjs --streams 64 --mib 256 [--store embedded|URL] [--limit-mib 512]
//
// With --store embedded (the default) it starts the built gateway on a temporary folder; the disk needs streams x mib free.
// Given the URL of a running gateway and --pid, it uploads there and reads the memory of that process (Linux). Keys come from
// PITHOS_ACCESS_KEY and PITHOS_SECRET_KEY, by default the documentation's example keys. Exit code 1 when the limit is passed.
import { spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { freePort } from '../cassandra/index.mjs';
import { boundToThisProcess, peakRssBytesOf } from '../support/processes.mjs';

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '64' },
    mib: { type: 'string', default: '256' },
    store: { type: 'string', default: 'embedded' },
    pid: { type: 'string' },
    'limit-mib': { type: 'string', default: '512' },
  },
});
const streams = Number(values.streams);
const sizeBytes = Number(values.mib) * MIB;
const accessKeyId = process.env['PITHOS_ACCESS_KEY'] ?? 'AKIAIOSFODNN7EXAMPLE';
const secretAccessKey = process.env['PITHOS_SECRET_KEY'] ?? 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

async function startGateway() {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-memory-'));
  const port = await freePort();
  const configFile = path.join(dir, 'pithos.yaml');
  await writeFile(
    configFile,
    JSON.stringify({
      service: { host: '127.0.0.1', port, workers: 1 },
      logging: { level: 'warn', console: true },
      options: { 'data-dir': path.join(dir, 'data') },
      keystore: { keys: { [accessKeyId]: { tenant: 'memory', secret: secretAccessKey, master: true } } },
    }),
  );
  const server = fileURLToPath(new URL('../../dist/server', import.meta.url));
  const [command, args] = boundToThisProcess(process.execPath, [server, '-f', configFile]);
  const child = spawn(command, args, { stdio: 'inherit' });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error('the gateway did not start');
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    await sleep(100);
  }
  const stop = async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    await rm(dir, { recursive: true, force: true });
  };
  return { url, pid: child.pid ?? 0, stop };
}

function* pieces() {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE_BYTES);
  for (let sent = 0; sent < sizeBytes; sent += PIECE_BYTES)
    yield cipher.update(zeros.subarray(0, Math.min(PIECE_BYTES, sizeBytes - sent)));
}

const gateway =
  values.store === 'embedded'
    ? await startGateway()
    : { url: values.store, pid: Number(values.pid), stop: () => Promise.resolve() };
const s3 = new S3Client({
  endpoint: gateway.url,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  requestHandler: { httpAgent: { maxSockets: streams } },
});
const Bucket = `memory-${process.pid}`;
try {
  await s3.send(new CreateBucketCommand({ Bucket }));
  const keys = Array.from({ length: streams }, (_, i) => `object-${i}`);
  const startMs = performance.now();
  await Promise.all(
    keys.map((Key) =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body: Readable.from(pieces()), ContentLength: sizeBytes })),
    ),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const peakMib = peakRssBytesOf(gateway.pid) / MIB;
  process.stdout.write(
    `${streams} x ${values.mib} MiB in ${seconds.toFixed(1)} s (${((streams * sizeBytes) / MIB / seconds).toFixed(0)} MiB/s), peak RSS ${peakMib.toFixed(0)} MiB\n`,
  );
  if (peakMib > Number(values['limit-mib'])) process.exitCode = 1;
  for (const Key of keys) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
} finally {
  s3.destroy();
  await gateway.stop();
}
