// Field tables of everything that lives in Cassandra: bucketstore, metastores and blobstores, each a target of its own, so
// that they may lie in different clusters and keyspaces, as in Pithos.
import { isIP, isIPv6 } from 'node:net';
import { HISTORICAL_TARGET, refuseForeignUse } from './historical.js';
import {
  duration,
  flag,
  integer,
  oneOf,
  readableFile,
  refined,
  size,
  storageClassName,
  text,
  textLike,
} from './parsers.js';
import { defaulted, join, listOf, optional, record, refuse, required, section } from './schema.js';
import type { Parser, Place } from './schema.js';
import type { MapNode } from './source.js';
import { formatSize } from './units.js';
import type {
  BlobTarget,
  CassandraTarget,
  CassandraTlsConfig,
  Consistency,
  MetastoreTarget,
  RegionConfig,
  SerialConsistency,
} from './types.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;

/** Largest block, so that a partition stays well under the 100 MB that Cassandra bears easily. */
export const MAX_BLOCK_BYTES = 64 * MIB;
/** Size of a block when the file does not say: "a few MiB" per partition, few enough rows to delete at once. */
export const DEFAULT_BLOCK_BYTES = 16 * MIB;
const DEFAULT_CHUNK_BYTES = 512 * KIB;
const NATIVE_PORT = 9042;
const DNS_PORT = 53;

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)$/;

/** The name of SRV records: labels such as _cql and _tcp, and a dot at the end of a name that is complete. */
const SRV = /^dns\+srv:\/\/([A-Za-z0-9_][A-Za-z0-9_.-]*)$/;

/** `[address]:port`, `host:port`, `host` or a bare IPv6 address, with the port put in where it is missing; SRV names as they are. */
function contactPoint(value: string, defaultPort: number): string | null {
  if (SRV.test(value)) return value;
  const [, bracketed, bracketedPort] = /^\[(.*)\](?::(\d+))?$/.exec(value) ?? [];
  const ipv6 = bracketed ?? (isIPv6(value) ? value : undefined);
  const [, host, hostPort] = /^([^:]*)(?::(\d+))?$/.exec(value) ?? [];
  const port = Number(bracketedPort ?? hostPort ?? defaultPort);
  if (port < 1 || port > 65_535) return null;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? `[${ipv6}]:${port}` : null;
  return host !== undefined && HOST.test(host) ? `${host}:${port}` : null;
}

// A list, a single host, or hosts separated by commas, which suits an environment variable.
const hosts: Parser<readonly string[]> = refined(listOf(text), (entries, place) => {
  const names = entries.flatMap((entry) => entry.split(',')).map((name) => name.trim());
  for (const name of names) {
    if (contactPoint(name, NATIVE_PORT) === null) {
      return refuse(place, `'${name}' is not a host, host:port, IPv6 address, [IPv6 address]:port or dns+srv://name`);
    }
  }
  return names.length > 0 ? names : refuse(place, 'must name at least one host');
});

const nameServers: Parser<readonly string[]> = refined(listOf(text), (entries, place) => {
  const servers: string[] = [];
  for (const entry of entries.flatMap((some) => some.split(',')).map((name) => name.trim())) {
    const server = contactPoint(entry, DNS_PORT);
    const [, bracketed, plain] = /^(?:\[(.*)\]|(.*)):\d+$/.exec(server ?? '') ?? [];
    if (server === null || isIP(bracketed ?? plain ?? '') === 0) {
      return refuse(place, `'${entry}' is not an address, IPv4:port or [IPv6 address]:port`);
    }
    servers.push(server);
  }
  return servers.length > 0 ? servers : refuse(place, 'must name at least one server');
});

const repfactorByDatacenter = record({
  what: 'a number of copies, or a map of data centres to numbers of copies',
  name: text,
  value: integer({ min: 1, max: 100 }),
});
const repfactor: Parser<number | Readonly<Record<string, number>>> = (place) => {
  if (place.node.kind !== 'map') return integer({ min: 1, max: 100 })(place);
  return place.node.entries.size === 0
    ? refuse(place, 'must name at least one data centre')
    : repfactorByDatacenter(place);
};

const WRITE_WORDS = {
  one: 'one',
  two: 'two',
  three: 'three',
  quorum: 'quorum',
  all: 'all',
  'local-quorum': 'local-quorum',
  'each-quorum': 'each-quorum',
  'local-one': 'local-one',
} as const satisfies Record<Consistency, Consistency>;
// Cassandra has no each-quorum reads.
const { 'each-quorum': _writeOnly, ...READ_WORDS } = WRITE_WORDS;
const readConsistency: Parser<Consistency> = oneOf(READ_WORDS);
const writeConsistency: Parser<Consistency> = oneOf(WRITE_WORDS);
const serialConsistency: Parser<SerialConsistency> = oneOf({ serial: 'serial', 'local-serial': 'local-serial' });

const tlsSection: Parser<CassandraTlsConfig> = section({
  fields: {
    caFile: optional('ca-file', readableFile),
    certFile: optional('cert-file', readableFile),
    keyFile: optional('key-file', readableFile),
    verify: defaulted('verify', flag, true),
  },
  inspect: (place) => {
    pair(place, 'cert-file', 'key-file');
  },
});

// `tls: true` is TLS checked against the system's authorities, `tls: false` none.
const tls: Parser<CassandraTlsConfig | false> = (place) => {
  if (place.node.kind === 'map') return tlsSection(place);
  const wanted = flag(place);
  return wanted === null ? null : wanted && { verify: true };
};

// Keyspace names go into CQL text; 48 characters is Cassandra's limit.
const keyspace = textLike(
  /^[A-Za-z][A-Za-z0-9_]{0,47}$/,
  'a letter followed by up to 47 letters, digits and underscores',
);

const targetFields = {
  hosts: required('cluster', hosts),
  dnsServers: optional('dns-servers', nameServers),
  port: defaulted('port', integer({ min: 1, max: 65_535 }), NATIVE_PORT),
  keyspace: required('keyspace', keyspace),
  username: optional('username', text),
  password: optional('password', text),
  localDatacenter: optional('local-datacenter', text),
  repfactor: defaulted('repfactor', repfactor, 1),
  readConsistency: defaulted('read-consistency', readConsistency, 'local-quorum'),
  writeConsistency: defaulted('write-consistency', writeConsistency, 'local-quorum'),
  serialConsistency: defaulted('serial-consistency', serialConsistency, 'local-serial'),
  tls: optional('tls', tls),
  requestTimeoutMs: defaulted('request-timeout', duration({ min: 100, max: 10 * MINUTE_MS }), 12_000),
  connectTimeoutMs: defaulted('connect-timeout', duration({ min: 100, max: 10 * MINUTE_MS }), 5_000),
} as const;

type RawTarget = NonNullable<ReturnType<typeof bucketstoreSection>>;

function inspectTarget(place: Place<MapNode>): void {
  refuseForeignUse(place);
  pair(place, 'username', 'password');
}

function toTarget({ hosts: names, tls: tlsConfig, ...rest }: Omit<RawTarget, 'defaultRegion'>): CassandraTarget {
  const contactPoints = [...new Set(names.map((name) => contactPoint(name, rest.port) ?? name))];
  return tlsConfig === undefined || tlsConfig === false
    ? { contactPoints, ...rest }
    : { contactPoints, ...rest, tls: tlsConfig };
}

const bucketstoreSection = section({
  fields: { ...targetFields, defaultRegion: optional('default-region', text) },
  historical: HISTORICAL_TARGET,
  inspect: inspectTarget,
  check: warnOfStaleReads,
});

/** The bucketstore; its default-region, Pithos's second place for that, is read by load.ts. */
export const bucketstore: Parser<CassandraTarget> = (place) => {
  const raw = bucketstoreSection(place);
  if (raw === null) return null;
  const { defaultRegion: _elsewhere, ...target } = raw;
  return toTarget(target);
};

const metastoreSection = section({
  fields: {
    ...targetFields,
    consistency: optional('consistency', oneOf({ linearizable: 'linearizable', quorum: 'quorum' })),
  },
  historical: HISTORICAL_TARGET,
  inspect: inspectTarget,
  check: warnOfStaleReads,
});
const metastore: Parser<MetastoreTarget> = (place) => {
  const raw = metastoreSection(place);
  if (raw === null) return null;
  const { consistency, ...target } = raw;
  return consistency === undefined ? toTarget(target) : { ...toTarget(target), consistency };
};

// The original's documentation says the first, its own example files say both.
const BLOCK_CHUNKS_KEYS = ['max-block-chunks', 'max-block-chunk'] as const;

const blobstoreSection = section({
  fields: {
    ...targetFields,
    maxChunkBytes: defaulted('max-chunk', size({ min: 4 * KIB, max: 8 * MIB }), DEFAULT_CHUNK_BYTES),
    maxBlockChunks: optional(BLOCK_CHUNKS_KEYS, integer({ min: 1, max: 1_000_000 })),
  },
  historical: HISTORICAL_TARGET,
  inspect: inspectTarget,
  check: warnOfStaleReads,
});
const blobstore: Parser<BlobTarget> = (place) => {
  const raw = blobstoreSection(place);
  if (raw === null) return null;
  const { maxChunkBytes, maxBlockChunks: wanted, ...rest } = raw;
  const most = Math.floor(MAX_BLOCK_BYTES / maxChunkBytes);
  if (wanted !== undefined && wanted > most) {
    const reason =
      `${wanted} chunks of ${formatSize(maxChunkBytes)} make a block of more than ${formatSize(MAX_BLOCK_BYTES)}, ` +
      `too large a partition: ${most} chunks are used`;
    warnAtBlockChunks(place, reason);
  }
  const byDefault = Math.max(1, Math.floor(DEFAULT_BLOCK_BYTES / maxChunkBytes));
  return { ...toTarget(rest), maxChunkBytes, maxBlockChunks: Math.min(wanted ?? byDefault, most) };
};

function warnAtBlockChunks({ node, key, reader }: Place, reason: string): void {
  for (const name of BLOCK_CHUNKS_KEYS) {
    const entry = node.kind === 'map' ? node.entries.get(name) : undefined;
    if (entry !== undefined) reader.issues.warn({ line: entry.line, key: join(key, name), reason });
  }
}

const region: Parser<RegionConfig> = section({
  fields: {
    metastore: required('metastore', metastore),
    storageClasses: required(
      'storage-classes',
      record({ what: 'a map of storage classes', name: storageClassName, value: blobstore }),
    ),
  },
  inspect: ({ node, key, reader }) => {
    const classes = node.entries.get('storage-classes');
    if (classes?.value.kind !== 'map') return;
    if ([...classes.value.entries.keys()].some((name) => name.toUpperCase() === 'STANDARD')) return;
    const reason = "must have a class 'standard', where objects go that ask for no other";
    reader.issues.fault({ line: classes.line, key: join(key, 'storage-classes'), reason });
  },
});

/** Regions by name; what LocationConstraint may say. */
export const regions = record({
  what: 'a map of regions',
  name: textLike(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'a region name: letters, digits, dots, hyphens and underscores'),
  value: region,
});

/** Both keys or neither. */
function pair({ node, key, reader }: Place<MapNode>, left: string, right: string): void {
  for (const [given, missing] of [
    [left, right],
    [right, left],
  ] as const) {
    const entry = node.entries.get(given);
    if (entry === undefined || isAbsent(node, given) || !isAbsent(node, missing)) continue;
    reader.issues.fault({ line: entry.line, key: join(key, given), reason: `needs ${missing} beside it` });
  }
}

function isAbsent(node: MapNode, name: string): boolean {
  return (node.entries.get(name)?.value.kind ?? 'nothing') === 'nothing';
}

/** A read and a write that may touch different replicas break read-after-write, which S3 promises. */
function warnOfStaleReads(
  value: Pick<CassandraTarget, 'repfactor' | 'readConsistency' | 'writeConsistency'>,
  { node, key, reader }: Place<MapNode>,
): void {
  const single = (level: Consistency): boolean => level === 'one' || level === 'local-one';
  const copies = typeof value.repfactor === 'number' ? value.repfactor : Math.max(...Object.values(value.repfactor));
  const { readConsistency: read, writeConsistency: write } = value;
  if (copies === 1 || read === 'all' || write === 'all' || !(single(read) || single(write))) return;
  const reason = `reading at ${read} may miss what was written at ${write}; quorum reads and writes always meet`;
  reader.issues.warn({ line: node.line, key, reason });
}
