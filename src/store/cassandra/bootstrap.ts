/**
 * `bootstrap`: creates keyspaces and applies the migrations of schema/. Repeatable, safe when several run at once (schema
 * changes go through one node and one lock per keyspace), and patient with a Cassandra that is still starting.
 */
import { randomUUID } from 'node:crypto';
import type { Client, Host } from 'cassandra-driver';
import { errors, types } from 'cassandra-driver';
import type { CassandraTarget, RegionConfig } from '../../config/types.js';
import { StoreError } from '../errors.js';
import { quoteKeyspace } from './cluster.js';
import { connect, endpointKey } from './connect.js';
import { toStoreError } from './driver-errors.js';
import { isThereAlready, loadMigrations, renderStatement } from './migrations.js';
import type { Layer, Migration } from './migrations.js';
import { DEFAULT_CASSANDRA_OPTIONS } from './options.js';
import { pause } from './retry.js';
import { SchemaLock } from './schema-lock.js';

export interface SchemaTarget {
  readonly layer: Layer;
  readonly target: CassandraTarget;
}

/** All keyspaces of a configuration. */
export function schemaTargets(config: {
  readonly bucketstore: CassandraTarget;
  readonly regions: Readonly<Record<string, RegionConfig>>;
}): SchemaTarget[] {
  const targets: SchemaTarget[] = [{ layer: 'bucketstore', target: config.bucketstore }];
  for (const { metastore, storageClasses } of Object.values(config.regions)) {
    targets.push({ layer: 'metastore', target: metastore });
    for (const target of Object.values(storageClasses)) targets.push({ layer: 'blobstore', target });
  }
  return targets;
}

export interface InstallSchemaOptions {
  readonly targets: readonly SchemaTarget[];
  readonly log?: (message: string) => void;
  readonly signal?: AbortSignal;
  /** How long to wait for a Cassandra that does not answer yet, and for another bootstrap to finish. Default 120,000. */
  readonly waitMs?: number;
  /** Default: schema/ of the package. */
  readonly schemaFolder?: string;
}

export interface KeyspaceReport {
  readonly keyspace: string;
  /** false: it was there */
  readonly created: boolean;
  /** ids of the migrations applied by this run, in order */
  readonly applied: readonly string[];
  readonly alreadyApplied: readonly string[];
}

/**
 * Refusals that may only be premature are met with so much patience: bad credentials (a new node has not created its superuser
 * yet), and things that do not exist (another bootstrap's change is recorded but not in force everywhere).
 */
const REFUSAL_PATIENCE_MS = 30_000;
const RETRY_PAUSE_MS = 1_000;
/** What Cassandra answers for a table that is not there. */
const INVALID: number = types.responseErrorCodes.invalid;
const SERVER_ERROR: number = types.responseErrorCodes.serverError;

interface Run {
  readonly log: (message: string) => void;
  readonly signal: AbortSignal | undefined;
  readonly startedAt: number;
  readonly deadline: number;
}

/** @throws StoreError with the reason when a keyspace cannot be brought up to date within waitMs */
export async function installSchema(options: InstallSchemaOptions): Promise<readonly KeyspaceReport[]> {
  const migrations = await loadMigrations(options.schemaFolder);
  const startedAt = performance.now();
  const run: Run = {
    log: options.log ?? (() => undefined),
    signal: options.signal,
    startedAt,
    deadline: startedAt + (options.waitMs ?? 120_000),
  };
  const reports: KeyspaceReport[] = [];
  for (const { target, layers } of groupByKeyspace(options.targets)) {
    const wanted = migrations.filter(({ layer }) => layers.has(layer));
    reports.push(await patiently(run, () => installKeyspace(run, target, wanted)));
  }
  return reports;
}

/** One entry per keyspace of a cluster, whatever layers share it. */
function groupByKeyspace(
  targets: readonly SchemaTarget[],
): Iterable<{ readonly target: CassandraTarget; readonly layers: Set<Layer> }> {
  const groups = new Map<string, { target: CassandraTarget; layers: Set<Layer> }>();
  for (const { layer, target } of targets) {
    const key = `${target.keyspace}\n${endpointKey(target)}`;
    const group = groups.get(key) ?? { target, layers: new Set<Layer>() };
    group.layers.add(layer);
    groups.set(key, group);
  }
  return groups.values();
}

/** Repeats while Cassandra is not there yet (or overloaded by starting); every step of the installation is repeatable. */
async function patiently<T>(run: Run, task: () => Promise<T>): Promise<T> {
  for (;;) {
    run.signal?.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      run.signal?.throwIfAborted();
      const failure = toStoreError(error, 'write');
      const now = performance.now();
      const patience = failure.kind === 'internal' ? run.startedAt + REFUSAL_PATIENCE_MS : run.deadline;
      const hopeless = failure.kind === 'internal' && !isPerhapsPremature(failure);
      if (hopeless || now + RETRY_PAUSE_MS >= Math.min(patience, run.deadline)) throw failure;
      run.log(`waiting: ${failure.message}`);
      await pause(RETRY_PAUSE_MS, run.signal);
    }
  }
}

/** A node that is applying another bootstrap's change answers even with server errors ("Unknown CF"): the table is half there. */
export function isPerhapsPremature(failure: StoreError): boolean {
  if (failure.cause instanceof errors.ResponseError && failure.cause.code === SERVER_ERROR) return true;
  return /credential|authenticat|password|username|does not exist|unconfigured table/i.test(failure.message);
}

async function installKeyspace(
  run: Run,
  target: CassandraTarget,
  wanted: readonly Migration[],
): Promise<KeyspaceReport> {
  const client = await connect(target, { ...DEFAULT_CASSANDRA_OPTIONS, connectionsPerHost: 1, speculativeDelayMs: 0 });
  try {
    const installer = new Installer(run, client, target);
    const created = await installer.ensureKeyspace();
    if (!(await installer.isComplete(wanted))) await installer.ensureLedger();
    if (await installer.isComplete(wanted)) {
      return { keyspace: target.keyspace, created, applied: [], alreadyApplied: wanted.map(({ id }) => id) };
    }
    const applied = await installer.locked(async (lock) => {
      const missing = await installer.missing(wanted);
      for (const migration of missing) await installer.apply(migration, lock);
      return missing.map(({ id }) => id);
    });
    const alreadyApplied = wanted.map(({ id }) => id).filter((id) => !applied.includes(id));
    return { keyspace: target.keyspace, created, applied, alreadyApplied };
  } finally {
    await client.shutdown();
  }
}

class Installer {
  readonly #run: Run;
  readonly #client: Client;
  readonly #target: CassandraTarget;
  readonly #keyspace: string;

  constructor(run: Run, client: Client, target: CassandraTarget) {
    this.#run = run;
    this.#client = client;
    this.#target = target;
    this.#keyspace = quoteKeyspace(target.keyspace);
  }

  /** true when this run created it */
  async ensureKeyspace(): Promise<boolean> {
    const query = 'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?';
    const found = await this.#client.execute(query, [this.#target.keyspace], { prepare: true });
    if (found.rows.length > 0) return false;
    const replication = Object.entries(this.#copies()).map(([datacenter, copies]) => `'${datacenter}': ${copies}`);
    await this.#change(
      `CREATE KEYSPACE IF NOT EXISTS ${this.#keyspace} WITH replication = ` +
        `{'class': 'NetworkTopologyStrategy', ${replication.join(', ')}} AND durable_writes = true`,
    );
    this.#run.log(`created keyspace ${this.#target.keyspace} with copies ${JSON.stringify(this.#copies())}`);
    return true;
  }

  /** A number of copies means that many in every datacenter of the ring. */
  #copies(): Record<string, number> {
    const { repfactor } = this.#target;
    if (typeof repfactor !== 'number') return { ...repfactor };
    const datacenters = new Set(this.#client.hosts.values().map(({ datacenter }) => datacenter));
    return Object.fromEntries([...datacenters].sort().map((name) => [name, repfactor]));
  }

  /** Not decided by looking: a table that another bootstrap is creating may be recorded before it can be used. */
  async ensureLedger(): Promise<void> {
    await this.#change(
      `CREATE TABLE IF NOT EXISTS ${this.#keyspace}.schema_migration ` +
        '(id text PRIMARY KEY, checksum text, applied_at timestamp)',
    );
    await this.#change(`CREATE TABLE IF NOT EXISTS ${this.#keyspace}.schema_lock (name text PRIMARY KEY, holder uuid)`);
  }

  /** All is done: a bootstrap that changes nothing needs no right to change anything. */
  async isComplete(wanted: readonly Migration[]): Promise<boolean> {
    try {
      return (await this.missing(wanted)).length === 0;
    } catch (error) {
      if (error instanceof errors.ResponseError && error.code === INVALID) return false;
      throw error;
    }
  }

  /** @throws StoreError internal when a migration was applied in another wording */
  async missing(wanted: readonly Migration[]): Promise<Migration[]> {
    const applied = await appliedMigrations(this.#client, this.#keyspace);
    return wanted.filter(({ id, checksum }) => {
      const before = applied.get(id);
      if (before === undefined) return true;
      if (before === checksum) return false;
      throw new StoreError(
        'internal',
        'notApplied',
        `migration ${id} was applied to keyspace ${this.#target.keyspace} in another wording`,
      );
    });
  }

  async locked<T>(task: (lock: SchemaLock) => Promise<T>): Promise<T> {
    const lock = new SchemaLock(this.#client, this.#keyspace, randomUUID());
    await lock.acquire({ deadline: this.#run.deadline, signal: this.#run.signal, log: this.#run.log });
    try {
      return await task(lock);
    } finally {
      await lock.release();
    }
  }

  async apply(migration: Migration, lock: SchemaLock): Promise<void> {
    const serverVersion = this.#node().cassandraVersion;
    for (const statement of migration.statements) {
      this.#run.signal?.throwIfAborted();
      await lock.renew();
      await this.#apply(renderStatement(statement, this.#keyspace, serverVersion));
    }
    await this.#client.execute(
      `INSERT INTO ${this.#keyspace}.schema_migration (id, checksum, applied_at) VALUES (?, ?, ?)`,
      [migration.id, migration.checksum, new Date()],
      { prepare: true, isIdempotent: true, consistency: types.consistencies.quorum },
    );
    this.#run.log(`applied ${migration.id} to keyspace ${this.#target.keyspace}`);
  }

  async #apply(statement: string): Promise<void> {
    try {
      await this.#change(statement);
    } catch (error) {
      if (!(error instanceof errors.ResponseError) || !isThereAlready(statement, error.message)) throw error;
    }
  }

  /** Schema changes through one node are one after another; all bootstraps choose the same one. */
  #node(): Host {
    const [first] = this.#client
      .getState()
      .getConnectedHosts()
      .filter((host) => host.isUp())
      .sort((a, b) => (a.address < b.address ? -1 : 1));
    if (first === undefined) throw new StoreError('unavailable', 'notApplied', 'no Cassandra node is up');
    return first;
  }

  async #change(statement: string): Promise<void> {
    await this.#client.execute(statement, [], { host: this.#node(), readTimeout: 60_000 });
    while (!(await nodesAgree(this.#client))) {
      if (performance.now() > this.#run.deadline) {
        throw new StoreError('timeout', 'unknown', 'the Cassandra nodes do not agree on the schema');
      }
      await pause(200, this.#run.signal);
    }
  }
}

/** Left out of the driver's types. */
async function nodesAgree(client: Client): Promise<boolean> {
  return (client.metadata as unknown as { checkSchemaAgreement(): Promise<boolean> }).checkSchemaAgreement();
}

/** checksum by id */
export async function appliedMigrations(
  client: Pick<Client, 'execute'>,
  keyspace: string,
): Promise<ReadonlyMap<string, string>> {
  const result = await client.execute(`SELECT id, checksum FROM ${keyspace}.schema_migration`, [], {
    consistency: types.consistencies.localQuorum,
    isIdempotent: true,
  });
  return new Map(
    result.rows.map((row) => {
      const { id, checksum } = row as { id?: unknown; checksum?: unknown };
      return [String(id), String(checksum)];
    }),
  );
}
