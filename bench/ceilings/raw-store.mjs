// The most that the embedded store's ground gives: LMDB commits and synced files, with no HTTP and no S3.
//
//   node bench/ceilings/raw-store.mjs '{"operation": "put", "size": 4096, "width": 32, "seconds": 3}'     prints JSON
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { open as openLmdb } from 'lmdb';
import { inFlight } from '../lib/flight.mjs';

const { operation, size, width, seconds } = JSON.parse(process.argv[2]);
/** Larger objects are files, as in the store. */
const INLINE_BYTES = 32 * 1024;
const KEYS = 1_000;
const PAGE = 1_000;

const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-raw-'));
const env = openLmdb({ path: path.join(dir, 'meta'), compression: false, encoding: 'binary' });
const body = randomBytes(size);
const entry = randomBytes(200);
let names = 0;

async function writeFileDurably(name) {
  const temporary = path.join(dir, `t${names++}`);
  const file = await open(temporary, 'w');
  await file.write(body);
  await file.datasync();
  await file.close();
  await rename(temporary, name);
}

const fileOf = (i) => path.join(dir, `f${i % KEYS}`);
const inline = size <= INLINE_BYTES;

async function put(i) {
  if (!inline) await writeFileDurably(fileOf(i));
  await env.put(`k${i % KEYS}`, inline ? body : entry);
  // durable, as an acknowledged write is
  await env.flushed;
}

const tasks = {
  put,
  get: async (i) => {
    env.getBinary(`k${i % KEYS}`);
    if (!inline) await readFile(fileOf(i));
    else await null;
  },
  head: async (i) => {
    env.getBinary(`k${i % KEYS}`);
    await null;
  },
  list: async () => {
    for (const row of env.getRange({ limit: PAGE })) void row;
    await null;
  },
  delete: async (i) => {
    await env.remove(`gone${i}`);
    await env.flushed;
  },
};

try {
  const prepared = Math.min(KEYS, Math.max(8, Math.floor((256 * 1024 * 1024) / Math.max(1, size))));
  if (operation !== 'put' && operation !== 'delete') {
    for (let i = 0; i < KEYS; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, j) => (i + j < prepared ? put(i + j) : env.put(`k${i + j}`, entry))),
      );
    }
  }
  const task = tasks[operation];
  const result = await inFlight({ width, seconds, task: (i) => task(operation === 'get' ? i % prepared : i) });
  process.stdout.write(JSON.stringify(result));
} finally {
  await env.close();
  await rm(dir, { recursive: true, force: true });
}
