// The most that Cassandra gives through its driver: the rows that an operation needs, with no HTTP and no S3. A change of a key is one
// conditional write and one plain write to the listing; data are chunks of the store's size.
//
//   node bench/ceilings/raw-driver.mjs '{"contactPoint": "127.0.0.1:9042", "keyspace": "bench", "operation": "put", "size": 4096,
//                                        "width": 32, "seconds": 3}'                                       prints JSON
import { randomBytes, randomUUID } from 'node:crypto';
import cassandra from 'cassandra-driver';
import { inFlight } from '../lib/flight.mjs';

const { contactPoint, keyspace, operation, size, width, seconds } = JSON.parse(process.argv[2]);
const { consistencies, Long, Uuid } = cassandra.types;
const INLINE_BYTES = 32 * 1024;
const CHUNK_BYTES = 512 * 1024;
const BLOCK_CHUNKS = 32;
const KEYS = 1_000;
const PAGE = 1_000;
/** Chunks of one object in flight. */
const WINDOW = 4;

const [, port] = contactPoint.split(':');
const client = new cassandra.Client({
  contactPoints: [contactPoint],
  localDataCenter: 'datacenter1',
  keyspace,
  protocolOptions: { port: Number(port) },
  pooling: { coreConnectionsPerHost: { [cassandra.types.distance.local]: 2 }, maxRequestsPerConnection: 32_768 },
  queryOptions: {
    prepare: true,
    isIdempotent: true,
    consistency: consistencies.localQuorum,
    serialConsistency: consistencies.localSerial,
  },
});
await client.connect();

const bucket = Uuid.fromString(randomUUID());
const payload = randomBytes(Math.min(size, CHUNK_BYTES));
const doc = 'd'.repeat(500);
const entry = 'e'.repeat(150);
const inline = size <= INLINE_BYTES;
const inodes = Array.from({ length: KEYS }, () => Uuid.fromString(randomUUID()));
const chunks = inline ? 0 : Math.ceil(size / CHUNK_BYTES);
let clock = Date.now() * 1000;
const clocks = new Array(KEYS).fill(null);

const keyOf = (i) => `k${String(i % KEYS).padStart(6, '0')}`;

async function windowed(count, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(WINDOW, count) }, worker));
}

const chunkInsert = 'INSERT INTO blob_block (inode, block, chunk, crc, payload) VALUES (?, ?, ?, ?, ?)';
const headUpdate =
  'UPDATE object_head SET key_clock = ?, doc = ?, inline = ? WHERE bucket = ? AND key = ? AND slot = ? IF key_clock = ?';
const indexInsert = 'INSERT INTO object_index (bucket, range, key, entry) VALUES (?, 0, ?, ?)';

async function put(i) {
  const inode = inodes[i % KEYS];
  await windowed(chunks, (chunk) =>
    client.execute(chunkInsert, [inode, Math.floor(chunk / BLOCK_CHUNKS), chunk, 0, payload]),
  );
  const now = Long.fromNumber(++clock);
  const slot = Long.MAX_VALUE;
  const before = clocks[i % KEYS];
  await client.execute(headUpdate, [now, doc, inline ? payload : null, bucket, keyOf(i), slot, before]);
  clocks[i % KEYS] = now;
  await client.execute(indexInsert, [bucket, keyOf(i), entry]);
}

const headRead = 'SELECT slot, doc, key_clock, inline FROM object_head WHERE bucket = ? AND key = ? LIMIT 3';
const chunkRead = 'SELECT payload FROM blob_block WHERE inode = ? AND block = ? AND chunk = ?';

const tasks = {
  put,
  head: (i) => client.execute(headRead, [bucket, keyOf(i)]),
  get: async (i) => {
    await client.execute(headRead, [bucket, keyOf(i)]);
    await windowed(chunks, (chunk) =>
      client.execute(chunkRead, [inodes[i % KEYS], Math.floor(chunk / BLOCK_CHUNKS), chunk]),
    );
  },
  list: () =>
    client.execute('SELECT key, entry FROM object_index WHERE bucket = ? AND range = 0 LIMIT 1000', [bucket], {
      fetchSize: PAGE,
    }),
  delete: async (i) => {
    const query = 'UPDATE object_head SET key_clock = ? WHERE bucket = ? AND key = ? IF key_clock = ?';
    await client.execute(query, [Long.fromNumber(++clock), bucket, `gone${i}`, null]);
    await client.execute('DELETE FROM object_index WHERE bucket = ? AND range = 0 AND key = ?', [bucket, `gone${i}`]);
  },
};

try {
  const prepared = Math.min(KEYS, Math.max(4, Math.floor((256 * 1024 * 1024) / Math.max(1, size))));
  if (operation !== 'delete')
    for (let i = 0; i < prepared; i += 10)
      await Promise.all(Array.from({ length: Math.min(10, prepared - i) }, (_, j) => put(i + j)));
  const task = tasks[operation];
  // A key has one writer at a time here: its condition always holds.
  const spread = Math.max(1, Math.floor(prepared / width));
  let turn = 0;
  const lanes = Array.from({ length: width }, (_, lane) => lane);
  const result = await inFlight({
    width,
    seconds,
    task: async (i) => {
      if (operation !== 'put') return task(operation === 'delete' ? i : i % prepared);
      const lane = lanes.pop();
      try {
        await task((lane * spread + (turn++ % spread)) % KEYS);
      } finally {
        lanes.push(lane);
      }
    },
  });
  process.stdout.write(JSON.stringify(result));
} finally {
  await client.shutdown();
}
