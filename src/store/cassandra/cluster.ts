/**
 * One Cassandra cluster with one set of credentials: a driver client that connects when first used and is replaced when all
 * nodes have moved, and the ways statements are executed. A Session looks at it from one target's keyspace and consistency levels.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Host, QueryOptions } from 'cassandra-driver';
import { types } from 'cassandra-driver';
import type { CassandraTarget, Consistency, SerialConsistency } from '../../config/types.js';
import { StoreError } from '../errors.js';
import { CallNames } from './call-names.js';
import { Breaker } from './breaker.js';
import { connect, endpointKey, isCutOff } from './connect.js';
import type { Endpoint } from './connect.js';
import { toStoreError } from './driver-errors.js';
import type { StatementKind } from './driver-errors.js';
import type { CassandraOptions } from './options.js';
import type { Row } from './rows.js';

export interface Statement {
  readonly query: string;
  readonly params: unknown[];
}

/** How soon a failed attempt to connect is repeated: requests in between share its failure. */
const RECONNECT_PAUSE_MS = 300;
/** Between two looks for a ring that has gone: the driver itself goes on trying the addresses that it knows. */
const REDISCOVERY_PAUSE_MS = 1_000;

export class Cluster {
  readonly #endpoint: Endpoint;
  readonly #options: CassandraOptions;
  #client: Client | null = null;
  #connecting: Promise<Client> | null = null;
  #rediscovering: Promise<void> | null = null;
  readonly #breaker = new Breaker({ now: () => performance.now() });
  readonly #closing = new AbortController();
  readonly #names = new CallNames();

  constructor(endpoint: Endpoint, options: CassandraOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  get requestTimeoutMs(): number {
    return this.#endpoint.requestTimeoutMs;
  }

  /** @throws StoreError unavailable, internal (credentials), closed */
  async client(): Promise<Client> {
    if (this.#closed) throw new StoreError('closed', 'notApplied', 'the store is closed');
    if (this.#client) return this.#client;
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    try {
      const client = await connect(this.#endpoint, this.#options);
      if (this.#closed) {
        await client.shutdown();
        throw new StoreError('closed', 'notApplied', 'the store is closed');
      }
      this.#use(client);
      this.#connecting = null;
      return client;
    } catch (error) {
      setTimeout(() => {
        this.#connecting = null;
      }, RECONNECT_PAUSE_MS).unref();
      // Whatever failed, no statement was sent.
      throw toStoreError(error, 'read');
    }
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #use(client: Client): void {
    this.#client = client;
    client.on('hostDown', () => this.#lookForNodes(client));
  }

  /**
   * A client without a connection to any node may be one whose nodes have all moved, and it knows only where they were. The
   * contact points are resolved again, until either it is connected again or a new client is.
   */
  #lookForNodes(client: Client): void {
    if (this.#closed || this.#client !== client || this.#rediscovering !== null || !isCutOff(client)) return;
    this.#rediscovering = this.#rediscover(client).finally(() => {
      this.#rediscovering = null;
    });
  }

  async #rediscover(lost: Client): Promise<void> {
    this.#options.logger.warn({}, 'no node of Cassandra is connected: looking for them anew');
    const isWanted = (): boolean => !this.#closed && isCutOff(lost);
    while (isWanted()) {
      const found = await connect(this.#endpoint, this.#options).catch(() => null);
      if (found === null) {
        await sleep(REDISCOVERY_PAUSE_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
        continue;
      }
      // Meanwhile the driver may have reached its nodes again by itself.
      if (!isWanted()) {
        await found.shutdown();
        return;
      }
      this.#use(found);
      const nodes = found.hosts.values().map(({ address }) => address);
      this.#options.logger.warn({ nodes }, 'connected to Cassandra again');
      // Its statements have all failed with its connections; nothing waits for the rest of it.
      lost.shutdown().catch(() => undefined);
      return;
    }
  }

  async execute(statement: Statement, kind: StatementKind, options: QueryOptions): Promise<types.ResultSet> {
    const client = this.#client ?? (await this.client());
    return this.#observed(client, { statement, kind }, () =>
      client.execute(statement.query, statement.params, options),
    );
  }

  async batch(statements: readonly Statement[], kind: StatementKind, options: QueryOptions): Promise<types.ResultSet> {
    const client = this.#client ?? (await this.client());
    return this.#observed(client, { statement: statements[0], kind }, () => client.batch([...statements], options));
  }

  /** statement: of a batch the first, which names it */
  async #observed(
    client: Client,
    { statement, kind }: { readonly statement: Statement | undefined; readonly kind: StatementKind },
    run: () => Promise<types.ResultSet>,
  ): Promise<types.ResultSet> {
    this.#breaker.check();
    const end = this.#options.observer.began(this.#names.of(statement?.query ?? '', kind));
    try {
      const result = await run();
      this.#breaker.succeeded();
      end({ error: null, speculative: speculativeOf(result) });
      return result;
    } catch (error) {
      this.#lookForNodes(client);
      const failure = this.#failure(error, kind);
      this.#breaker.failed(failure);
      end({ error: failure });
      throw failure;
    }
  }

  #failure(error: unknown, kind: StatementKind): StoreError {
    const failure = toStoreError(error, kind);
    if (!this.#closed || failure.kind === 'internal') return failure;
    return new StoreError('closed', failure.outcome, 'the store was closed', error);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closing.abort();
    await this.#connecting?.catch(() => undefined);
    await this.#rediscovering;
    await this.#client?.shutdown();
  }
}

/** One client for all targets that share addresses and credentials, whatever their keyspaces. */
export class ClusterPool {
  readonly #options: CassandraOptions;
  readonly #clusters = new Map<string, Cluster>();

  constructor(options: CassandraOptions) {
    this.#options = options;
  }

  session(target: CassandraTarget): Session {
    const key = endpointKey(target);
    const cluster = this.#clusters.get(key) ?? new Cluster(target, this.#options);
    this.#clusters.set(key, cluster);
    return new Session(cluster, target);
  }

  /** In the order in which they were first named. */
  get clusters(): readonly Cluster[] {
    return [...this.#clusters.values()];
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.close()));
  }
}

export interface CasResult {
  readonly applied: boolean;
  /** What the conditions found instead; null when applied, or when there was no row at all. */
  readonly found: Row | null;
}

const CONSISTENCY: Record<Consistency, types.consistencies> = {
  one: types.consistencies.one,
  two: types.consistencies.two,
  three: types.consistencies.three,
  quorum: types.consistencies.quorum,
  all: types.consistencies.all,
  'local-quorum': types.consistencies.localQuorum,
  'each-quorum': types.consistencies.eachQuorum,
  'local-one': types.consistencies.localOne,
};

const SERIAL: Record<SerialConsistency, types.consistencies> = {
  serial: types.consistencies.serial,
  'local-serial': types.consistencies.localSerial,
};

export class Session {
  readonly cluster: Cluster;
  readonly target: CassandraTarget;
  /** as it is written in CQL */
  readonly keyspace: string;
  readonly #read: QueryOptions;
  readonly #write: QueryOptions;
  readonly #cas: QueryOptions;

  constructor(cluster: Cluster, target: CassandraTarget) {
    this.cluster = cluster;
    this.target = target;
    this.keyspace = quoteKeyspace(target.keyspace);
    const common = { prepare: true, serialConsistency: SERIAL[target.serialConsistency] };
    this.#read = { ...common, isIdempotent: true, consistency: CONSISTENCY[target.readConsistency] };
    this.#write = { ...common, isIdempotent: true, logged: false, consistency: CONSISTENCY[target.writeConsistency] };
    this.#cas = { ...this.#write, isIdempotent: false };
  }

  /** fetchSize: rows of a page, default all that the statement's LIMIT allows. */
  async read(query: string, params: unknown[], options?: { readonly fetchSize?: number }): Promise<Row[]> {
    const fetchSize = options?.fetchSize ?? 5000;
    return (await this.cluster.execute({ query, params }, 'read', { ...this.#read, fetchSize })).rows;
  }

  /** Finishes a conditional write that is under way in the partition before it reads. */
  async readSerial(query: string, params: unknown[]): Promise<Row[]> {
    const consistency = SERIAL[this.target.serialConsistency];
    return (await this.cluster.execute({ query, params }, 'read', { ...this.#read, consistency })).rows;
  }

  /** From all replicas: finds what fewer may have lost. */
  async readAll(query: string, params: unknown[]): Promise<Row[]> {
    const consistency = types.consistencies.all;
    return (await this.cluster.execute({ query, params }, 'read', { ...this.#read, consistency })).rows;
  }

  /** Nodes that hold the partition with that key (its columns as they are sent), in no order. */
  async replicas(partitionKey: readonly Buffer[]): Promise<readonly Host[]> {
    return replicasOf(await this.cluster.client(), this.target.keyspace, routingKey(partitionKey));
  }

  /** What that node has, whatever the others have. */
  async readFrom(host: Host, query: string, params: unknown[]): Promise<Row[]> {
    const options = { ...this.#read, consistency: types.consistencies.one, host };
    return (await this.cluster.execute({ query, params }, 'read', options)).rows;
  }

  /** All rows, page by page. */
  async *pages(query: string, params: unknown[], fetchSize: number): AsyncGenerator<Row[]> {
    let pageState: string | null = null;
    do {
      const page: types.ResultSet = await this.cluster.execute({ query, params }, 'read', {
        ...this.#read,
        fetchSize,
        ...(pageState !== null && { pageState }),
      });
      yield page.rows;
      pageState = nextPageOf(page);
    } while (pageState !== null);
  }

  /** A write that may be repeated without changing its result. */
  async write(query: string, params: unknown[]): Promise<void> {
    await this.cluster.execute({ query, params }, 'write', this.#write);
  }

  /** Writes to one partition of one table as a single mutation. */
  async writeTogether(statements: readonly Statement[]): Promise<void> {
    const [first] = statements;
    if (first === undefined) return;
    if (statements.length === 1) await this.cluster.execute(first, 'write', this.#write);
    else await this.cluster.batch(statements, 'write', this.#write);
  }

  /**
   * A conditional write (several statements: one conditional batch in one partition).
   * timeoutMs: when to give up waiting, if sooner than the target's request time-out.
   * @throws StoreError with outcome unknown when it may have been applied
   */
  async cas(statements: readonly Statement[], timeoutMs = Number.POSITIVE_INFINITY): Promise<CasResult> {
    const [first] = statements;
    if (first === undefined) throw new TypeError('a conditional write without statements');
    const options = { ...this.#cas, readTimeout: Math.min(timeoutMs, this.target.requestTimeoutMs) };
    const result =
      statements.length === 1
        ? await this.cluster.execute(first, 'cas', options)
        : await this.cluster.batch(statements, 'cas', options);
    const row = (result.rows as Row[] | undefined)?.[0];
    const applied = result.wasApplied();
    return { applied, found: applied ? null : (row ?? null) };
  }
}

/** How many nodes more were asked because one was slow. */
function speculativeOf({ info }: types.ResultSet): number {
  return (info as { readonly speculativeExecutions?: number }).speculativeExecutions ?? 0;
}

/** The driver's types leave out that the last page has none. */
function nextPageOf(page: { readonly pageState: string | null }): string | null {
  return page.pageState;
}

/** The driver's types leave out that it may not know the keyspace. */
function replicasOf(
  client: { getReplicas(keyspace: string, key: Buffer): readonly Host[] | null },
  keyspace: string,
  key: Buffer,
): readonly Host[] {
  return client.getReplicas(keyspace, key) ?? [];
}

/** Several columns: each with its length before and a zero behind. */
function routingKey(columns: readonly Buffer[]): Buffer {
  const [only] = columns;
  if (only !== undefined && columns.length === 1) return only;
  return Buffer.concat(
    columns.flatMap((column) => {
      const length = Buffer.allocUnsafe(2);
      length.writeUInt16BE(column.length);
      return [length, column, Buffer.of(0)];
    }),
  );
}

/** Lower-case names are the same quoted and not; others exist only as whoever created them wrote them: exactly. */
export function quoteKeyspace(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) ? name : `"${name}"`;
}
