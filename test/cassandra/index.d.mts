// The types of the harness that runs a real Apache Cassandra 5.0 without Docker. The code is plain JavaScript so that both the
// vitest suites and `node cli.mjs` on Node 20 load it; `tsc -p test/cassandra` checks it against these declarations.

/** A Cassandra server on disk, and the JDK that runs it. */
export interface Install {
  /** Release of Apache Cassandra, as named in pom.xml: `5.0.9`. */
  readonly version: string;
  /** Folder of the server's jars. */
  readonly libDir: string;
  /** The `java` executable of a JDK 17. */
  readonly java: string;
}

/**
 * Copies the jars that pom.xml names into `.cache/cassandra/VERSION/lib` with Maven, once: later calls only look. Processes may
 * call it at the same time. Fails with a reason when no JDK 17 or no Maven is found or a download fails.
 */
export function ensureCassandraInstalled(options?: { readonly signal?: AbortSignal }): Promise<Install>;

/** `quickStart`: least CPU and memory, for tests. `throughput`: full JIT, G1 and a heap of fixed size, for measurements. */
export type Tuning = 'quickStart' | 'throughput';

interface CommonOptions {
  /** Default `pithos-test`. Nodes of different clusters refuse each other. */
  readonly clusterName?: string;
  /** Home of data, configuration and log. Without it a temporary folder is used, and removed by `stop()`. */
  readonly dir?: string;
  /** True keeps the data that an earlier start left in `dir`; otherwise the node starts empty. Default false. */
  readonly keepData?: boolean;
  /** CQL port. By default a free one. */
  readonly nativePort?: number;
  /** Port of the traffic between nodes. By default a free one. */
  readonly storagePort?: number;
  /** True opens JMX (loopback, no authentication) on a free port, which `nodetool()` needs. Default false. */
  readonly jmx?: boolean;
  /** Keys of cassandra.yaml that replace or add to the harness's: authenticator, client_encryption_options, timeouts ... */
  readonly extraConfig?: Readonly<Record<string, unknown>>;
  /**
   * True: changes of the schema are not synced to disk one by one, which makes each several times as fast. A node that is killed
   * comes back without them, so this is for nodes that nobody restarts. Default false.
   */
  readonly volatileSchema?: boolean;
  /** Further JVM arguments, after the harness's own. */
  readonly jvmArgs?: readonly string[];
  /** Default `quickStart`. */
  readonly tuning?: Tuning;
  /** True lets the server outlive this process. Otherwise it dies with it. Default false. */
  readonly detached?: boolean;
  /** How long a start may take until CQL answers. Default 300,000. */
  readonly readyTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface StartNodeOptions extends CommonOptions {
  /** Address of both the node-to-node and the CQL listener. Default `127.0.0.1`. */
  readonly listenAddress?: string;
  /** Addresses of the nodes to gossip with first; they use the same storage port. Default: this node alone. */
  readonly seeds?: readonly string[];
  /** Java heap. Default 1024. The process takes about 400 MiB more. */
  readonly heapMb?: number;
  /** Default `datacenter1`. */
  readonly dc?: string;
  /** Default `rack1`. */
  readonly rack?: string;
  /** The node's one token (Murmur3). Default `0`. */
  readonly initialToken?: string;
}

/** One running server. All methods that wait are bounded in time. */
export interface CassandraNode {
  /** Process id of the present (or last) server process; changes with `restart()`. */
  readonly pid: number;
  readonly running: boolean;
  readonly address: string;
  readonly nativePort: number;
  readonly storagePort: number;
  readonly jmxPort: number | undefined;
  /** `address:nativePort`, as cassandra-driver's contactPoints take it. */
  readonly contactPoint: string;
  readonly localDataCenter: string;
  readonly clusterName: string;
  readonly dir: string;
  readonly logFile: string;
  /** Time from the spawn of the present process until CQL answered. */
  readonly startupMs: number;
  /**
   * SIGTERM, then SIGKILL after 20 s; on a temporary folder SIGKILL at once, and the folder goes. Resolves when the process is
   * gone; does nothing when it already is.
   */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when the process is gone. The data stays, for `restart()`. */
  kill(): Promise<void>;
  /** Stops the process if it runs and starts it again on its data, address and ports; resolves when CQL answers. */
  restart(): Promise<void>;
  /** SIGSTOP: the node keeps its connections but answers nothing, as a hung machine does. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Last lines of the log. Default 40. */
  logTail(lines?: number): string;
  /** Resident memory of the process (Linux; elsewhere by `ps`). Fails when it is not running. */
  rssBytes(): number;
  /** Runs Cassandra's nodetool against the node. Needs `jmx: true`. Fails on a non-zero exit or after 120 s. */
  nodetool(...args: string[]): Promise<string>;
}

/**
 * Starts one node and resolves when it answers CQL (with PasswordAuthenticator on an empty folder: when the default
 * superuser exists, too). Fails with the log's tail when the process exits or `readyTimeoutMs` is over, leaving no process.
 */
export function startNode(options?: StartNodeOptions): Promise<CassandraNode>;

export interface StartRingOptions extends CommonOptions {
  /** Number of nodes, 1 to 8: on 127.0.0.1, 127.0.0.2 ... Default 3. */
  readonly nodes?: number;
  /** Java heap of each node. Default 512. */
  readonly heapMb?: number;
  /** Datacenter of each node by position; the last one counts for the rest. Default all `datacenter1`. */
  readonly datacenters?: readonly string[];
  /** Rack of each node by position; the last one counts for the rest. Default all `rack1`. */
  readonly racks?: readonly string[];
}

export interface CassandraRing {
  readonly nodes: readonly CassandraNode[];
  /** Contact points of all nodes. */
  readonly contactPoints: readonly string[];
  readonly nativePort: number;
  /** Datacenter of the first node. */
  readonly localDataCenter: string;
  readonly dir: string;
  /** Resolves when every running node sees every other running node up, and all have the same schema. Default 180,000 ms. */
  waitUntilUp(options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Resolves when every other running node sees `node` down, as gossip's failure detector does some 10 to 20 s after a kill. */
  waitUntilDown(node: CassandraNode, options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Stops all nodes, as their own `stop()` does. */
  stop(): Promise<void>;
}

/** Starts all nodes of a ring at once and resolves when each sees all others up. On failure leaves no process. */
export function startRing(options?: StartRingOptions): Promise<CassandraRing>;

/** Stops the detached servers whose folder `dir` is or holds. Returns the process ids that it stopped. */
export function stopDetached(options: { readonly dir: string }): Promise<number[]>;

/**
 * Finds a port that is free on all `hosts` (default 127.0.0.1), below the range that outgoing connections draw from; within
 * PITHOS_TEST_PORTS=FIRST-LAST when that is set.
 */
export function freePort(options?: { readonly hosts?: readonly string[] }): Promise<number>;

/** Files of a small public key infrastructure. PEM unless named otherwise. */
export interface TlsMaterial {
  readonly dir: string;
  readonly caFile: string;
  readonly serverCertFile: string;
  readonly serverKeyFile: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** PKCS12 with the server's key and certificate. */
  readonly keystoreFile: string;
  /** PKCS12 with the CA, against which client certificates are checked. */
  readonly truststoreFile: string;
  /** Of both stores. */
  readonly password: string;
  /** Value of `client_encryption_options` for `extraConfig`. With `requireClientCert` clients must present a certificate. */
  clientEncryptionOptions(options?: { readonly requireClientCert?: boolean }): Record<string, unknown>;
  /** Value of `server_encryption_options` for `extraConfig`: TLS between all nodes. */
  serverEncryptionOptions(): Record<string, unknown>;
}

/**
 * Makes a CA, a server certificate (localhost, 127.0.0.1 to 127.0.0.8, and `hostnames`) and a client certificate in `dir`
 * with openssl and the JDK's keytool. `daysValid` defaults to 30.
 */
export function tlsMaterial(options: {
  readonly dir: string;
  readonly hostnames?: readonly string[];
  readonly daysValid?: number;
}): Promise<TlsMaterial>;
