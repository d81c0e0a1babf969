/**
 * Leases on a gateway's entries of a queue. A gateway holds its own from its first entry on; another one gets it only when it has
 * run out. They save work, no more: an entry that two deliver is delivered twice, none is lost.
 */
import { OUTBOX_TAKE_MS } from '../types.js';
import type { Session } from './cluster.js';
import { textOf } from './rows.js';

/** By Cassandra's clock, as the TTL of the row. */
const LEASE_S = (4 * OUTBOX_TAKE_MS) / 1000;
/** How long another's is not asked for again. */
const REFUSED_MS = OUTBOX_TAKE_MS;

export class OutboxLeases {
  readonly #session: Session;
  readonly #table: string;
  readonly #holder: string;
  /** performance.now() before each was written last */
  readonly #held = new Map<string, number>();
  readonly #asking = new Map<string, Promise<boolean>>();
  /** Another's: not to be asked for again before, performance.now(). */
  readonly #refused = new Map<string, number>();

  constructor(session: Session, holder: string) {
    this.#session = session;
    this.#table = `${session.keyspace}.outbox_lease`;
    this.#holder = holder;
  }

  /** Takes, or renews when it is time. @throws StoreError when that cannot be said */
  async holds(lease: string): Promise<boolean> {
    const startedMs = performance.now();
    const heldMs = this.#held.get(lease);
    if (heldMs !== undefined && startedMs - heldMs < OUTBOX_TAKE_MS) return true;
    if ((this.#refused.get(lease) ?? 0) > startedMs) return false;
    const asking =
      this.#asking.get(lease) ?? this.#ask(lease, heldMs, startedMs).finally(() => this.#asking.delete(lease));
    this.#asking.set(lease, asking);
    return asking;
  }

  async #ask(lease: string, heldMs: number | undefined, startedMs: number): Promise<boolean> {
    const applied = heldMs === undefined ? await this.#insert(lease) : await this.#renew(lease);
    if (applied) {
      this.#held.set(lease, startedMs);
      this.#refused.delete(lease);
    } else {
      this.#held.delete(lease);
      if (this.#refused.size > 10_000) this.#refused.clear();
      this.#refused.set(lease, startedMs + REFUSED_MS);
    }
    return applied;
  }

  async #insert(lease: string): Promise<boolean> {
    // Mostly another's, and that is cheap to see.
    const [row] = await this.#session.read(`SELECT holder FROM ${this.#table} WHERE lease = ?`, [lease]);
    const holder = row === undefined ? null : textOf(row, 'holder');
    if (holder !== null && holder !== this.#holder) return false;
    const query = `INSERT INTO ${this.#table} (lease, holder) VALUES (?, ?) IF NOT EXISTS USING TTL ?`;
    const { applied, found } = await this.#session.cas([{ query, params: [lease, this.#holder, LEASE_S] }]);
    // An answer that was lost before.
    return applied || (found !== null && textOf(found, 'holder') === this.#holder);
  }

  async #renew(lease: string): Promise<boolean> {
    const query = `UPDATE ${this.#table} USING TTL ? SET holder = ? WHERE lease = ? IF holder = ?`;
    const params = [LEASE_S, this.#holder, lease, this.#holder];
    if ((await this.#session.cas([{ query, params }])).applied) return true;
    return this.#insert(lease);
  }

  /** Lets go of all, so that others need not wait. */
  async release(): Promise<void> {
    const leases = [...this.#held.keys()];
    this.#held.clear();
    const query = `DELETE FROM ${this.#table} WHERE lease = ? IF holder = ?`;
    await Promise.all(leases.map((lease) => this.#session.cas([{ query, params: [lease, this.#holder] }])));
  }
}
