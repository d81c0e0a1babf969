// The shape of a loaded configuration: what every other part of Pithos may know about its settings. A Config is made by
// loadConfig or defaultConfig, is deeply frozen, and carries units in its names; no other module reads YAML or the environment.

/** One finding about a configuration file: a fault that stops the start, or a warning that does not. */
export interface ConfigIssue {
  /** The file as it was named; '(built-in defaults)' or '(text)' when there is none. */
  readonly file: string;
  /** 1-based line, or null when the finding has no place in the text (a file that cannot be read). */
  readonly line: number | null;
  /** Dotted key such as `regions.myregion.metastore.cluster`; empty for the file as a whole. */
  readonly key: string;
  readonly reason: string;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** TLS for clients of the gateway. Paths are absolute. */
export interface ServiceTlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** When given, clients must present a certificate signed by one of these authorities. */
  readonly caFile?: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** How often it is looked whether the files have changed; 0: only when the server is told to reload. */
  readonly reloadIntervalMs: number;
}

export interface ServiceConfig {
  readonly host: string;
  /** 0 lets the system choose a free port. */
  readonly port: number;
  /** Processes that serve; 'auto': one per core. */
  readonly workers: number | 'auto';
  /** Where health and metrics are served; absent: nowhere. 0 lets the system choose a free port. */
  readonly healthPort?: number;
  /** absent: host */
  readonly healthHost?: string;
  readonly tls?: ServiceTlsConfig;
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  readonly trustedProxies: readonly string[];
  /** Requests still running so long after the signal to end are cut off. */
  readonly drainTimeoutMs: number;
  /** How long the server goes on accepting connections after that signal. */
  readonly drainDelayMs: number;
}

export interface LoggingConfig {
  readonly level: LogLevel;
  readonly console: boolean;
  /** Absolute paths that get the same lines as the console. */
  readonly files: readonly string[];
  /** Level by logger name; the names are dotted, as in Pithos. No prototype: any name is safe to look up. */
  readonly overrides: Readonly<Record<string, LogLevel>>;
}

export type CorsMethod = 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';

/** A rule of `options.default-cors`, applied to buckets that have no CORS configuration of their own. */
export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly CorsMethod[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface OptionsConfig {
  /** Lower-case host names under which buckets are virtual hosts, without scheme, port or trailing dot. */
  readonly serviceUri: readonly string[];
  /** Names under which buckets are web sites, as serviceUri. */
  readonly websiteUri: readonly string[];
  /** A Host that is a bucket's name is that bucket's site, where it has one. */
  readonly websiteCustomDomains: boolean;
  readonly defaultRegion: string;
  /** Whether puts and deletes are reported in the log. */
  readonly reporting: boolean;
  /** Whether clients may ask for server-side encryption. */
  readonly serverSideEncryption: boolean;
  readonly multipartUpload: boolean;
  /** Whether a master key may create buckets for another tenant. */
  readonly masterkeyProvisioning: boolean;
  /** Whether a master key may read and write every bucket. */
  readonly masterkeyAccess: boolean;
  readonly defaultCors: readonly CorsRule[];
  /** Absolute folder of the embedded store. */
  readonly dataDir: string;
  /** How far a request's date may be from the gateway's clock. */
  readonly maxSkewMs: number;
  /** How long a gateway may answer from a remembered bucket row; 0 asks the store every time. */
  readonly bucketCacheTtlMs: number;
  /** How many rows a partition of a listing holds before it is cut (Cassandra). */
  readonly indexRangeRows: number;
  /** How often it is looked whether the configuration file has changed; 0: only when the server is told to reload. */
  readonly reloadIntervalMs: number;
  /** How long bootstrap, and a server that starts, wait for a store that does not answer (Cassandra). */
  readonly storeWaitMs: number;
}

export interface KeystoreEntry {
  readonly master: boolean;
  readonly tenant: string;
  readonly secret: string;
  readonly memberof: readonly string[];
  readonly displayName?: string;
  readonly email?: string;
}

export interface KeystoreConfig {
  /** By access key. No prototype: looking up a client's text such as `constructor` finds nothing. */
  readonly keys: Readonly<Record<string, KeystoreEntry>>;
}

export type Consistency = 'one' | 'two' | 'three' | 'quorum' | 'all' | 'local-quorum' | 'each-quorum' | 'local-one';
export type SerialConsistency = 'serial' | 'local-serial';

/** TLS to Cassandra. Paths are absolute. */
export interface CassandraTlsConfig {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Whether the server's certificate and name are checked. */
  readonly verify: boolean;
}

/** A keyspace of a Cassandra cluster and how to talk to it. */
export interface CassandraTarget {
  /** `host:port` or `[IPv6]:port`, always with the port, or `dns+srv://NAME`, the name of SRV records. */
  readonly contactPoints: readonly string[];
  /** `address:port` or `[IPv6]:port` of the DNS servers that are asked for them; absent: the system's resolver. */
  readonly dnsServers?: readonly string[];
  /** Native-protocol port of contact points that named none, and of nodes that only the ring names. */
  readonly port: number;
  readonly keyspace: string;
  readonly username?: string;
  readonly password?: string;
  /** Data centre to talk to; absent means that of the first contact point that answers. */
  readonly localDatacenter?: string;
  /** Copies: a number (SimpleStrategy) or copies by data centre (NetworkTopologyStrategy); used when `bootstrap` creates the keyspace. */
  readonly repfactor: number | Readonly<Record<string, number>>;
  readonly readConsistency: Consistency;
  readonly writeConsistency: Consistency;
  readonly serialConsistency: SerialConsistency;
  readonly tls?: CassandraTlsConfig;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** A keyspace that holds object data: blocks (partitions) of chunks (rows). */
export interface BlobTarget extends CassandraTarget {
  /** 4 KiB to 8 MiB. */
  readonly maxChunkBytes: number;
  /** maxChunkBytes x maxBlockChunks is at most 64 MiB. */
  readonly maxBlockChunks: number;
}

/** A keyspace that holds keys, and how new buckets keep theirs consistent. */
export interface MetastoreTarget extends CassandraTarget {
  /** Of buckets that are created without saying it; absent: linearizable. */
  readonly consistency?: 'linearizable' | 'quorum';
}

export interface RegionConfig {
  readonly metastore: MetastoreTarget;
  /** By S3 name, upper-case; STANDARD is always there. No prototype. */
  readonly storageClasses: Readonly<Record<string, BlobTarget>>;
}

export interface EmbeddedStoreConfig {
  readonly kind: 'embedded';
  /** The same folder as options.dataDir. */
  readonly dataDir: string;
  /** Class in upper case -> absolute folder of its data, null: dataDir. STANDARD is always there. */
  readonly storageClasses: Readonly<Record<string, string | null>>;
}

export interface CassandraStoreConfig {
  readonly kind: 'cassandra';
  readonly bucketstore: CassandraTarget;
  /** By region name; options.defaultRegion is one of them. No prototype. */
  readonly regions: Readonly<Record<string, RegionConfig>>;
}

export type StoreConfig = EmbeddedStoreConfig | CassandraStoreConfig;

export interface MasterKey {
  /** Stored with every object that the key seals. */
  readonly id: string;
  /** 32 bytes. A Buffer cannot be frozen: treat it as read-only. */
  readonly key: Buffer;
}

export interface EncryptionConfig {
  /** Seals new objects. Null: the embedded store makes its own key file; a Cassandra store refuses encryption. */
  readonly masterKey: MasterKey | null;
  /** Still open objects sealed before a rotation. */
  readonly previousKeys: readonly MasterKey[];
  readonly kmsKeys: readonly KmsKeyConfig[];
  /** For SSE-KMS requests that name no key; null: aws/s3, derived from the master key. One of kmsKeys, by any of its names. */
  readonly kmsDefaultKey: string | null;
  /** Whether SSE-C is refused on connections without TLS, as AWS does; false where something before the gateway ends TLS. */
  readonly customerKeysRequireTls: boolean;
}

/** A key of the local KMS. */
export interface KmsKeyConfig {
  /** Stored with every object that the key protects. */
  readonly id: string;
  readonly enabled: boolean;
  /** Other names that requests may use. */
  readonly aliases: readonly string[];
  /** 32 bytes each, the newest first: that one wraps, all of them unwrap. */
  readonly versions: readonly Buffer[];
}

/** Requests per second; an absent figure is no limit. */
export interface RateLimitConfig {
  readonly perAccessKey?: number;
  readonly perAddress?: number;
}

/** Per second, all gateways together; 0: no limit; absent: the default, or none. */
export interface ThroughputConfig {
  readonly requestsPerSecond?: number;
  readonly bytesInPerSecond?: number;
  readonly bytesOutPerSecond?: number;
}

export interface LimitsConfig {
  /** Objects up to this size live in their head row, without blocks. */
  readonly inlineThresholdBytes: number;
  /** Memory that all requests together may hold in object data. */
  readonly maxBufferMemoryBytes: number;
  /** Longest a request may take to arrive in full; 0 is no limit, bodyIdleTimeoutMs guards against stalled clients. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Open client connections; 0 is no limit. */
  readonly maxConnections: number;
  /** Longest silence inside a request or response body. */
  readonly bodyIdleTimeoutMs: number;
  readonly rateLimit?: RateLimitConfig;
  /** Largest request line and headers together. */
  readonly maxHeaderBytes: number;
  /** Requests under way at once; absent: derived from maxBufferMemoryBytes. */
  readonly maxRequests?: number;
  /** Requests that wait for their turn; absent: as many as maxRequests. */
  readonly maxWaitingRequests?: number;
  /** Longest wait of a request for its turn. */
  readonly maxRequestWaitMs: number;
  /** Of a key, delete markers too. */
  readonly maxVersionsPerKey: number;
  readonly maxBucketsPerTenant: number;
  /** Of each bucket without figures of its own. */
  readonly perBucket: ThroughputConfig;
  /** Of each tenant that `tenants` does not name. */
  readonly perTenant: ThroughputConfig;
  /** By tenant. No prototype. */
  readonly tenants: Readonly<Record<string, ThroughputConfig>>;
}

export interface GcConfig {
  /** Pause between two sweeps of this gateway; 0 turns its sweeper off. */
  readonly intervalMs: number;
  /** Age below which unreferenced data is never removed; at least 1 s. */
  readonly graceMs: number;
  /** How long an upload's intent protects its blocks without being renewed. */
  readonly intentLeaseMs: number;
  /** Pause between two sweeps of a bucket by its lifecycle rules; 0 turns this gateway's lifecycle runner off. */
  readonly lifecycleIntervalMs: number;
  /** How long a day of lifecycle rules lasts: 24 h, shorter only to try them out. */
  readonly lifecycleDayMs: number;
  /** Pause between two looks for inventory reports that are due; 0 turns this gateway's inventory runner off. */
  readonly inventoryIntervalMs: number;
  /** How long a day of inventory schedules lasts: 24 h, shorter only to try them out. */
  readonly inventoryDayMs: number;
}

interface DeliveryConfig {
  /** Longest a delivery may take. */
  readonly timeoutMs: number;
  /** Deliveries under way at once, of one process and region. */
  readonly concurrency: number;
  /** Whose buckets may name it; absent: everybody's. */
  readonly tenants?: readonly string[];
}

/** Events are POSTed to it. */
export interface WebhookTargetConfig extends DeliveryConfig {
  readonly type: 'webhook';
  readonly url: string;
  /** Value of the header Authorization. */
  readonly authorization?: string;
  /** Key of the HMAC-SHA256 that requests are signed with. */
  readonly signingSecret?: string;
  /** Absolute path: authorities that the receiver's certificate is checked against, instead of the system's. */
  readonly caFile?: string;
}

/** Events are published on it. */
export interface NatsTargetConfig extends DeliveryConfig {
  readonly type: 'nats';
  /** `host:port` or `nats://host:port` */
  readonly servers: readonly string[];
  readonly subject: string;
  /** A JetStream stream that has to take them; absent: plain NATS, at most what subscribers of the moment get. */
  readonly stream?: string;
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
  /** Absolute path of a file as `nsc generate creds` makes it. */
  readonly credentialsFile?: string;
  /** Paths are absolute. */
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
    readonly verify: boolean;
  };
}

export type NotificationTargetConfig = WebhookTargetConfig | NatsTargetConfig;

export interface NotificationsConfig {
  /** By the name that ARNs end with. No prototype. */
  readonly targets: Readonly<Record<string, NotificationTargetConfig>>;
  /** How often events are looked for that other processes left. */
  readonly pollIntervalMs: number;
  /** Events that could not be delivered for so long are given up. */
  readonly maxAgeMs: number;
  /** Longest pause before an event, or a target that is down, is tried again. */
  readonly maxRetryIntervalMs: number;
}

/** A server elsewhere that buckets may be replicated to. */
export interface ReplicationTargetConfig {
  /** pithos: replicas keep version ids and times; s3: any other server, which makes its own */
  readonly kind: 'pithos' | 's3';
  /** URL */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secret: string;
  /** Absolute path: authorities that its certificate is checked against, instead of the system's. */
  readonly caFile?: string;
  /** Buckets are named in the path, not in the host. */
  readonly pathStyle: boolean;
  /** Longest it may be silent. */
  readonly timeoutMs: number;
  /** Versions under way at once, of one process and region. */
  readonly concurrency: number;
  /** Whose buckets may be replicated there; absent: everybody's. */
  readonly tenants?: readonly string[];
}

export interface ReplicationConfig {
  /** By the name that ARNs of destinations have. No prototype. */
  readonly targets: Readonly<Record<string, ReplicationTargetConfig>>;
  /** Versions under way at once to buckets of this deployment, of one process and each pair of regions. */
  readonly concurrency: number;
  /** How often work is looked for that other processes left. */
  readonly pollIntervalMs: number;
  /** What could not be replicated for so long has failed. */
  readonly maxAgeMs: number;
  /** Longest pause before a version, or a target that is down, is tried again. */
  readonly maxRetryIntervalMs: number;
}

/** The web console (src/console). */
export interface ConsoleConfig {
  readonly enabled: boolean;
}

/** Where traces are sent (OpenTelemetry). */
export interface TracingConfig {
  /** URL of an OTLP/HTTP receiver, with its path. */
  readonly endpoint: string;
  /** Of requests that bring no traceparent, 0 to 1; those that do are traced when its sampled flag is set. */
  readonly sampleRatio: number;
  readonly serviceName: string;
  /** Sent with every export, such as authorization. No prototype. */
  readonly headers: Readonly<Record<string, string>>;
}

/** When the lines of buckets' access logs are delivered. */
export interface AccessLogConfig {
  readonly flushIntervalMs: number;
  /** of one bucket */
  readonly flushBytes: number;
  /** of all; what comes beyond is dropped */
  readonly maxBytes: number;
}

export interface Config {
  /** The file it came from, or null for the built-in defaults. */
  readonly file: string | null;
  readonly service: ServiceConfig;
  readonly logging: LoggingConfig;
  readonly options: OptionsConfig;
  readonly keystore: KeystoreConfig;
  readonly store: StoreConfig;
  readonly encryption: EncryptionConfig;
  readonly limits: LimitsConfig;
  readonly gc: GcConfig;
  readonly notifications: NotificationsConfig;
  readonly replication: ReplicationConfig;
  readonly accessLog: AccessLogConfig;
  /** absent: nothing is traced */
  readonly tracing?: TracingConfig;
  readonly console: ConsoleConfig;
  /** True when a secret published in documentation opens this gateway; main.ts warns about it loudly. */
  readonly usesExampleKeys: boolean;
  readonly warnings: readonly ConfigIssue[];
}
