// Listings of a large bucket against a small one: the cost of a page, of a delimiter listing, and of a listing behind mass deletions.
//
//   npm run build && node bench/listing.mjs                                   # a Cassandra of its own, 1,000,000 and 10,000 objects
//   node bench/listing.mjs --objects 200000 --deletions 60000 --cassandra 127.0.0.1:9042 --json results.json
//   node bench/listing.mjs --store embedded --objects 1000000
//
// Rows are put where the gateway's own writes would have put them, without the conditional write of each key, which takes hours for a
// million: on Cassandra through the store's own range map and counters, so that ranges are cut while they fill, as in production. They
// are deleted like that too. The embedded store gets real commits. Listings go through src/s3/listing.ts, and every request of the driver
// is counted.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    store: { type: 'string', default: 'cassandra' },
    objects: { type: 'string', default: '1000000' },
    small: { type: 'string', default: '10000' },
    /** deleted from the large bucket; default three tenths of it */
    deletions: { type: 'string' },
    pages: { type: 'string', default: '40' },
    /** host:port of one that runs */
    cassandra: { type: 'string' },
    /** compiled sources */
    dist: { type: 'string', default: path.join(root, 'dist') },
    json: { type: 'string' },
  },
});
const load = (file) => import(pathToFileURL(path.join(options.dist, file)).href);
const { list } = await load('s3/listing.js');

const REGION = 'bench-1';
const PREFIXES = 10;
const OBJECTS = Number(options.objects);
const SMALL = Number(options.small);
const DELETIONS = Number(options.deletions ?? Math.floor(OBJECTS * 0.3));
const PAGES = Number(options.pages);
const IN_FLIGHT = 256;
const OWNER = { id: 'bench@example.com', displayName: 'bench' };

const note = (text) => process.stderr.write(`${text}\n`);
const pad = (i) => String(i).padStart(9, '0');
const perPrefix = (count) => Math.ceil(count / PREFIXES);
/** The i-th key in order. */
const keyOf = (i, count) => `prefix-${Math.floor(i / perPrefix(count))}/object-${pad(i)}`;
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

async function inParallel(items, width, task) {
  const queue = items.values();
  await Promise.all(
    numbers(width).map(async () => {
      for (const item of queue) await task(item);
    }),
  );
}

/** In an order that has nothing to do with that of keys, the same in each run. */
function* scattered(count) {
  let step = Math.floor(count * 0.618) | 1;
  const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));
  while (divisor(step, count) !== 1) step += 2;
  for (let i = 0, at = 0; i < count; i++, at = (at + step) % count) yield at;
}

function draft(i) {
  return {
    deleteMarker: false,
    sizeBytes: 5,
    etag: '5d41402abc4b2a76b9719d911017c592',
    lastModified: 1_700_000_000_000 + i,
    storageClass: 'STANDARD',
    owner: OWNER,
    headers: { 'content-type': 'text/plain' },
    data: { kind: 'inline', bytes: Buffer.from('hello') },
    acl: null,
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
  };
}

async function openCassandra() {
  const { installSchema, openCassandraStores, schemaTargets } = await load('store/cassandra/index.js');
  const { IndexWriter } = await load('store/cassandra/index-writer.js');
  const { Cluster } = await load('store/cassandra/cluster.js');
  let node = null;
  let address = options.cassandra;
  if (address === undefined) {
    const { startNode } = await import('../test/cassandra/index.mjs');
    node = await startNode({ heapMb: 2048, readyTimeoutMs: 300_000 });
    address = node.contactPoint;
  }
  const target = {
    contactPoints: [address],
    port: Number(address.split(':').at(-1)),
    keyspace: `bench_${process.pid}`,
    repfactor: 1,
    readConsistency: 'local-quorum',
    writeConsistency: 'local-quorum',
    serialConsistency: 'local-serial',
    requestTimeoutMs: 30_000,
    connectTimeoutMs: 10_000,
  };
  const blobs = { ...target, maxChunkBytes: 65_536, maxBlockChunks: 16 };
  const config = {
    bucketstore: target,
    regions: { [REGION]: { metastore: target, storageClasses: { STANDARD: blobs } } },
  };
  await installSchema({ targets: schemaTargets(config), waitMs: 120_000 });

  // Every request of the driver passes here.
  const counts = { queries: 0 };
  for (const method of ['execute', 'batch']) {
    const original = Cluster.prototype[method];
    Cluster.prototype[method] = function counted(...args) {
      counts.queries += 1;
      return original.apply(this, args);
    };
  }
  let moves = 0;
  const logger = {
    info: (fields, text) => {
      if (text === 'a listing was cut anew') moves += 1;
    },
    warn: (fields, text) => note(`${text}: ${fields.err?.message ?? ''}`),
  };
  const stores = openCassandraStores({ buckets: config.bucketstore, regions: config.regions, options: { logger } });
  await stores.ready();
  const { metadata } = stores.regions.get(REGION);
  const { ranges, keeper } = metadata.indexRanges;
  const session = metadata.indexRanges.session;
  const writer = new IndexWriter({
    session,
    ranges,
    heads: { all: () => fail('no head to repair from') },
    now: Date.now,
  });
  const plan = (clock, listed, added) => ({
    clock,
    listed,
    versionsIn: [],
    versionsOut: [],
    added,
    sinceMs: performance.now(),
  });
  const client = await session.cluster.client();
  return {
    metadata,
    stores,
    counts,
    put: (bucket, key, i) =>
      writer.apply(bucket, key, plan(Date.now() * 1000, { ...draft(i), seq: Date.now() * 1000, versionId: 'null' }, 1)),
    remove: (bucket, key) => writer.apply(bucket, key, plan(Date.now() * 1000, null, 0)),
    settle: async () => {
      const due = `SELECT id FROM ${target.keyspace}.index_due WHERE scope = ? LIMIT 1`;
      for (let empty = 0; empty < 2;) {
        await keeper.poll();
        await keeper.settled();
        empty = (await client.execute(due, [REGION], { prepare: true })).rowLength === 0 ? empty + 1 : 0;
      }
    },
    ranges: async (bucket) => {
      const map = await ranges.map(bucket.instance);
      const rows = [];
      const query = `SELECT count(*) AS n FROM ${target.keyspace}.object_index WHERE bucket = ? AND range = ?`;
      for (const { id } of map.spansFrom('')) {
        const found = await client.execute(query, [bucket.instance, id], { prepare: true, readTimeout: 120_000 });
        rows.push(Number(found.first().get('n')));
      }
      return { ranges: rows.length, largestRangeRows: Math.max(...rows), rangeMoves: moves };
    },
    close: async () => {
      await client.execute(`DROP KEYSPACE ${target.keyspace}`, [], { readTimeout: 120_000 }).catch(() => undefined);
      await stores.close();
      await node?.stop();
    },
  };
}

async function openEmbedded() {
  const { openEmbeddedStores } = await load('store/embedded/index.js');
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'pithos-listing-'));
  const stores = await openEmbeddedStores({
    dataDir,
    regionNames: [REGION],
    storageClasses: ['STANDARD'],
    gcGraceMs: 60_000,
    intentLeaseMs: 60_000,
    logger: { info: () => undefined, warn: (fields, text) => note(text) },
  });
  await stores.ready();
  const { metadata } = stores.regions.get(REGION);
  const counts = { queries: 0 };
  const commit = (bucket, key, change) => metadata.commit({ bucket, key, select: 'latest', decide: change });
  return {
    metadata,
    stores,
    counts,
    put: (bucket, key, i) => commit(bucket, key, () => ({ put: { draft: draft(i), isNull: true }, remove: [] })),
    remove: (bucket, key) => commit(bucket, key, ({ latest }) => ({ remove: latest === null ? [] : [latest] })),
    settle: () => Promise.resolve(),
    ranges: () => Promise.resolve({}),
    close: async () => {
      await stores.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function fail(why) {
  throw new Error(why);
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function build(world, name, count) {
  const { bucket } = await world.stores.buckets.create({
    name,
    region: REGION,
    owner: OWNER,
    versioning: 'unversioned',
    objectLock: false,
    documents: {},
  });
  const startedMs = performance.now();
  let done = 0;
  const items = { values: () => scattered(count) };
  await inParallel(items, IN_FLIGHT, async (i) => {
    await world.put(bucket, keyOf(i, count), i);
    done += 1;
    if (done % 50_000 === 0) note(`${name}: ${done} objects, ${Math.round((performance.now() - startedMs) / 1000)} s`);
  });
  const writtenS = (performance.now() - startedMs) / 1000;
  await world.settle();
  return { bucket, writtenS, settledS: (performance.now() - startedMs) / 1000 };
}

/** Requests to Cassandra, and milliseconds. */
async function measured(world, bucket, request) {
  let scans = 0;
  const before = world.counts.queries;
  const startedMs = performance.now();
  const listing = await list((scan) => {
    scans += 1;
    return world.metadata.scanObjects(bucket, scan);
  }, request);
  // What an embedded store is asked has no other name.
  const queries = options.store === 'embedded' ? scans : world.counts.queries - before;
  return { ms: performance.now() - startedMs, queries, listing };
}

const page = (after) => ({ prefix: '', delimiter: '', after, maxKeys: 1000 });

async function main() {
  const world = options.store === 'embedded' ? await openEmbedded() : await openCassandra();
  const results = { store: options.store, objects: OBJECTS, small: SMALL, deletions: DELETIONS };
  try {
    const small = await build(world, 'bench-small', SMALL);
    const large = await build(world, 'bench-large', OBJECTS);
    results.build = { writtenS: Math.round(large.writtenS), settledS: Math.round(large.settledS) };
    results.partitions = await world.ranges(large.bucket);

    // Pages at random places of both, in turns: what else the machine does meanwhile slows both alike.
    const runs = { small: [], large: [] };
    const starts = (count) => keyOf(Math.floor(Math.random() * Math.max(1, count - 1001)), count);
    for (const i of numbers(PAGES + 5)) {
      const one = await measured(world, small.bucket, page(starts(SMALL)));
      const other = await measured(world, large.bucket, page(starts(OBJECTS)));
      if (one.listing.entries.length !== 1000 || other.listing.entries.length !== 1000) fail('a page is not full');
      if (i < 5) continue;
      runs.small.push(one);
      runs.large.push(other);
    }
    const mean = (all) => all.reduce((sum, { queries }) => sum + queries, 0) / all.length;
    results.page = {
      smallMs: median(runs.small.map(({ ms }) => ms)),
      largeMs: median(runs.large.map(({ ms }) => ms)),
      smallQueries: mean(runs.small),
      largeQueries: mean(runs.large),
    };
    results.page.ratio = results.page.largeMs / results.page.smallMs;

    const folders = await measured(world, large.bucket, { prefix: '', delimiter: '/', after: '', maxKeys: 1000 });
    if (folders.listing.commonPrefixes.length !== PREFIXES) fail('not all prefixes are listed');
    results.delimiter = { prefixes: PREFIXES, queries: folders.queries, ms: folders.ms };

    // The first keys in order go: a listing from the start has to get over all of them.
    const startedMs = performance.now();
    await inParallel(numbers(DELETIONS), IN_FLIGHT, (i) => world.remove(large.bucket, keyOf(i, OBJECTS)));
    const deletedS = Math.round((performance.now() - startedMs) / 1000);
    const after = await measured(world, large.bucket, page(''));
    if (after.listing.entries[0]?.key !== keyOf(DELETIONS, OBJECTS)) fail('the listing behind the deletions is wrong');
    await world.settle();
    await sleep(3_000);
    const settled = await measured(world, large.bucket, page(''));
    if (settled.listing.entries[0]?.key !== keyOf(DELETIONS, OBJECTS))
      fail('the listing behind the deletions is wrong');
    results.deleted = {
      deletedS,
      rightAfterMs: after.ms,
      rightAfterQueries: after.queries,
      settledMs: settled.ms,
      settledQueries: settled.queries,
      ...(await world.ranges(large.bucket)),
    };
  } finally {
    await world.close();
  }

  const round = (value) => Math.round(value * 10) / 10;
  const rows = [
    [
      'a 1,000-key page, small bucket',
      `${round(results.page.smallMs)} ms`,
      `${round(results.page.smallQueries)} queries`,
    ],
    [
      'a 1,000-key page, large bucket',
      `${round(results.page.largeMs)} ms`,
      `${round(results.page.largeQueries)} queries`,
    ],
    ['  ratio (at most 1.5)', `${Math.round(results.page.ratio * 100) / 100}`, ''],
    [
      `${PREFIXES} prefixes (at most 20 queries)`,
      `${round(results.delimiter.ms)} ms`,
      `${results.delimiter.queries} queries`,
    ],
    [
      `first page right after ${DELETIONS} deletions`,
      `${round(results.deleted.rightAfterMs)} ms`,
      `${results.deleted.rightAfterQueries} queries`,
    ],
    [
      '  once ranges were rewritten',
      `${round(results.deleted.settledMs)} ms`,
      `${results.deleted.settledQueries} queries`,
    ],
  ];
  for (const [what, value, queries] of rows) note(`${what.padEnd(48)} ${value.padStart(12)} ${queries.padStart(16)}`);
  const json = JSON.stringify(results, null, 2);
  process.stdout.write(`${json}\n`);
  if (options.json !== undefined) await writeFile(options.json, `${json}\n`);
  if (results.page.ratio > 1.5 || results.delimiter.queries > 20) process.exitCode = 1;
}

await main();
