/**
 * index_load: about how full each range is. Each gateway adds what it wrote, in batches; whoever finds a range too full says so.
 * Counters may count twice or miss what a killed gateway had not yet added: they only say when to look.
 */
import { types } from 'cassandra-driver';
import type { StoreLogger } from '../shared/logger.js';
import type { BucketRef } from '../types.js';
import type { Session } from './cluster.js';
import type { RangeLoad } from './ranges.js';
import { numberOf } from './rows.js';

export interface RangeLoadsParts {
  readonly session: Session;
  /** Changes of a range that are added together. */
  readonly batch: number;
  readonly isTooMuch: (load: RangeLoad) => boolean;
  readonly onTooMuch: (bucket: BucketRef, range: number, load: RangeLoad) => void;
  readonly logger: StoreLogger;
}

interface Pending {
  readonly bucket: BucketRef;
  readonly range: number;
  rows: number;
  bytes: number;
  deletions: number;
}

/** What does not fill a batch is added after this long. */
const FLUSH_MS = 10_000;
const NO_LOAD: RangeLoad = { rows: 0, bytes: 0, deletions: 0 };

const uuid = (text: string) => types.Uuid.fromString(text);

export class RangeLoads {
  readonly #parts: RangeLoadsParts;
  readonly #table: string;
  readonly #pending = new Map<string, Pending>();
  readonly #background = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: RangeLoadsParts) {
    this.#parts = parts;
    this.#table = `${parts.session.keyspace}.index_load`;
  }

  /** Counts a write, sooner or later. */
  note(bucket: BucketRef, range: number, { rows, bytes, deletions }: RangeLoad): void {
    if (rows === 0 && deletions === 0) return;
    const name = `${bucket.instance}/${range}`;
    const pending = this.#pending.get(name) ?? { bucket, range, rows: 0, bytes: 0, deletions: 0 };
    pending.rows += rows;
    pending.bytes += bytes;
    pending.deletions += deletions;
    this.#pending.set(name, pending);
    if (pending.rows + pending.deletions >= this.#parts.batch) this.#flush(name, pending);
    this.#timer ??= setTimeout(() => this.#flushAll(), FLUSH_MS).unref();
  }

  #flushAll(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [name, pending] of this.#pending) this.#flush(name, pending);
  }

  #flush(name: string, pending: Pending): void {
    this.#pending.delete(name);
    const { bucket, range } = pending;
    const work: Promise<void> = this.add(bucket.instance, range, pending)
      .then(() => this.of(bucket.instance, range))
      .then((load) => {
        if (this.#parts.isTooMuch(load)) this.#parts.onTooMuch(bucket, range, load);
      })
      .catch((error: unknown) =>
        this.#parts.logger.warn({ err: error, bucket: bucket.name }, 'the load of a range was not counted'),
      )
      .finally(() => this.#background.delete(work));
    this.#background.add(work);
  }

  async of(bucket: string, range: number): Promise<RangeLoad> {
    const query = `SELECT rows_in, bytes_in, deletions FROM ${this.#table} WHERE bucket = ? AND range = ?`;
    const [row] = await this.#parts.session.read(query, [uuid(bucket), range]);
    if (row === undefined) return NO_LOAD;
    return {
      rows: numberOf(row, 'rows_in') ?? 0,
      bytes: numberOf(row, 'bytes_in') ?? 0,
      deletions: numberOf(row, 'deletions') ?? 0,
    };
  }

  /** Negative numbers take away. */
  async add(bucket: string, range: number, { rows, bytes, deletions }: RangeLoad): Promise<void> {
    const query =
      `UPDATE ${this.#table} SET rows_in = rows_in + ?, bytes_in = bytes_in + ?, deletions = deletions + ? ` +
      'WHERE bucket = ? AND range = ?';
    const amounts = [rows, bytes, deletions].map((amount) => types.Long.fromNumber(Math.round(amount)));
    await this.#parts.session.write(query, [...amounts, uuid(bucket), range]);
  }

  /** Of a range that is gone. */
  async remove(bucket: string, range: number): Promise<void> {
    this.#pending.delete(`${bucket}/${range}`);
    await this.#parts.session.write(`DELETE FROM ${this.#table} WHERE bucket = ? AND range = ?`, [uuid(bucket), range]);
  }

  /** Adds what waits; resolves when that is done. */
  async drain(): Promise<void> {
    this.#flushAll();
    await Promise.all(this.#background);
  }
}
