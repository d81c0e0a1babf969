/** index_due and index_lease: which ranges wait to be looked at, and who is at it. */
import { randomUUID } from 'node:crypto';
import { types } from 'cassandra-driver';
import type { BucketRef } from '../types.js';
import type { Session } from './cluster.js';
import { numberOf, required, textOf, uuidOf } from './rows.js';

export type DueReason = 'load' | 'tombstones' | 'bucket';

export interface DueRange {
  /** timeuuid */
  readonly id: string;
  readonly bucket: BucketRef;
  readonly range: number;
  readonly reason: DueReason;
}

const LEASE_S = 30;
/** How old a lease of one's own may be before it is renewed. */
const RENEW_MS = 8_000;

export class RangeDues {
  readonly #session: Session;
  readonly #region: string;
  readonly #due: string;
  readonly #lease: string;
  readonly #driver = randomUUID();
  /** performance.now() before each was written last */
  readonly #held = new Map<string, number>();

  constructor(session: Session, region: string) {
    this.#session = session;
    this.#region = region;
    this.#due = `${session.keyspace}.index_due`;
    this.#lease = `${session.keyspace}.index_lease`;
  }

  /** Found by every gateway of the region when it resolves. */
  async add(bucket: BucketRef, range: number, reason: DueReason): Promise<DueRange> {
    const id = types.TimeUuid.now();
    const query = `INSERT INTO ${this.#due} (scope, id, bucket, name, range, reason) VALUES (?, ?, ?, ?, ?, ?)`;
    const instance = types.Uuid.fromString(bucket.instance);
    await this.#session.write(query, [this.#region, id, instance, bucket.name, range, reason]);
    return { id: id.toString(), bucket, range, reason };
  }

  /** Oldest first. */
  async list(limit: number): Promise<DueRange[]> {
    const query = `SELECT id, bucket, name, range, reason FROM ${this.#due} WHERE scope = ? LIMIT ?`;
    const rows = await this.#session.read(query, [this.#region, limit]);
    return rows.map((row) => {
      const reason = textOf(row, 'reason');
      return {
        id: required(uuidOf(row, 'id'), 'id'),
        bucket: {
          name: required(textOf(row, 'name'), 'name'),
          instance: required(uuidOf(row, 'bucket'), 'bucket'),
          region: this.#region,
        },
        range: required(numberOf(row, 'range'), 'range'),
        reason: reason === 'tombstones' || reason === 'bucket' ? reason : 'load',
      };
    });
  }

  async remove(id: string): Promise<void> {
    const query = `DELETE FROM ${this.#due} WHERE scope = ? AND id = ?`;
    await this.#session.write(query, [this.#region, types.TimeUuid.fromString(id)]);
  }

  /** Takes the work on a range, or goes on having it; @throws StoreError when that cannot be said */
  async holds({ bucket, range }: Pick<DueRange, 'bucket' | 'range'>): Promise<boolean> {
    const lease = `${bucket.instance}/${range}`;
    const startedMs = performance.now();
    const heldMs = this.#held.get(lease);
    if (heldMs !== undefined && startedMs - heldMs < RENEW_MS) return true;
    const applied = (heldMs !== undefined && (await this.#renew(lease))) || (await this.#take(lease));
    if (applied) this.#held.set(lease, startedMs);
    else this.#held.delete(lease);
    return applied;
  }

  async #take(lease: string): Promise<boolean> {
    const query = `INSERT INTO ${this.#lease} (lease, driver) VALUES (?, ?) IF NOT EXISTS USING TTL ${LEASE_S}`;
    const { applied, found } = await this.#session.cas([{ query, params: [lease, this.#driver] }]);
    // An answer that was lost before.
    return applied || (found !== null && textOf(found, 'driver') === this.#driver);
  }

  async #renew(lease: string): Promise<boolean> {
    const query = `UPDATE ${this.#lease} USING TTL ${LEASE_S} SET driver = ? WHERE lease = ? IF driver = ?`;
    return (await this.#session.cas([{ query, params: [this.#driver, lease, this.#driver] }])).applied;
  }

  /** So that others need not wait. */
  async release({ bucket, range }: Pick<DueRange, 'bucket' | 'range'>): Promise<void> {
    const lease = `${bucket.instance}/${range}`;
    if (!this.#held.delete(lease)) return;
    const query = `DELETE FROM ${this.#lease} WHERE lease = ? IF driver = ?`;
    await this.#session.cas([{ query, params: [lease, this.#driver] }]);
  }
}
