/** One schema change at a time per keyspace: a row with a lease, taken and given back by lightweight transactions. */
import type { Client } from 'cassandra-driver';
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { pause } from './retry.js';

/** A holder that dies is waited for this long. */
const LEASE_S = 60;
const POLL_MS = 300;

const OPTIONS = { prepare: true, consistency: types.consistencies.quorum };

export class SchemaLock {
  readonly #client: Client;
  readonly #keyspace: string;
  readonly #holder: types.Uuid;

  /** holder: a uuid of this run */
  constructor(client: Client, keyspace: string, holder: string) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#holder = types.Uuid.fromString(holder);
  }

  /** deadline: performance.now() until when to wait. @throws StoreError timeout */
  async acquire(options: {
    readonly deadline: number;
    readonly signal: AbortSignal | undefined;
    readonly log: (message: string) => void;
  }): Promise<void> {
    const query =
      `INSERT INTO ${this.#keyspace}.schema_lock (name, holder) VALUES ('bootstrap', ?) ` +
      `IF NOT EXISTS USING TTL ${LEASE_S}`;
    let told = false;
    for (;;) {
      const result = await this.#client.execute(query, [this.#holder], OPTIONS);
      if (result.wasApplied() || (await this.#isMine())) return;
      if (!told) options.log('waiting: another bootstrap is at work');
      told = true;
      if (performance.now() + POLL_MS > options.deadline) {
        throw new StoreError('timeout', 'notApplied', 'another bootstrap holds the schema lock');
      }
      await pause(POLL_MS, options.signal);
    }
  }

  /** After a repeated acquire whose first answer was lost. */
  async #isMine(): Promise<boolean> {
    const query = `SELECT holder FROM ${this.#keyspace}.schema_lock WHERE name = 'bootstrap'`;
    const result = await this.#client.execute(query, [], { prepare: true, consistency: types.consistencies.serial });
    const holder = (result.rows[0] as { holder?: unknown } | undefined)?.holder;
    return holder instanceof types.Uuid && holder.equals(this.#holder);
  }

  /** @throws StoreError timeout when the lease was lost */
  async renew(): Promise<void> {
    const query =
      `UPDATE ${this.#keyspace}.schema_lock USING TTL ${LEASE_S} SET holder = ? ` +
      "WHERE name = 'bootstrap' IF holder = ?";
    const result = await this.#client.execute(query, [this.#holder, this.#holder], OPTIONS);
    if (!result.wasApplied()) throw new StoreError('timeout', 'notApplied', 'the schema lock was lost to another run');
  }

  /** Never throws: a lock that cannot be given back lapses. */
  async release(): Promise<void> {
    const query = `DELETE FROM ${this.#keyspace}.schema_lock WHERE name = 'bootstrap' IF holder = ?`;
    await this.#client.execute(query, [this.#holder], OPTIONS).catch(() => undefined);
  }
}
