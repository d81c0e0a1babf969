/**
 * Plain writes of object_head, for the keys of quorum buckets.
 *
 * Each write of a key has a row of its own, its slot the clock of the write: the newest row is the key. So a write whose fate nobody
 * knows can be called off without touching any other: its row is deleted, with its own timestamp, and never appears, however late it
 * comes. Rows below a write that is acknowledged are dead, and removed behind it. A deletion removes all rows up to its clock.
 *
 * Two writes may have the same clock, as gateways choose theirs alone. Cassandra takes the greater value of each cell then: all cells,
 * those of the listing too, begin with the same text (mark), so that one and the same write wins all of them.
 */
import { types } from 'cassandra-driver';
import type { BucketRef, ObjectVersion } from '../types.js';
import type { Session } from './cluster.js';
import { encodeObjectEntry } from './entry-codec.js';
import { documentOf, markedDocument, markedInline, NO_CRCS } from './head-rows.js';
import { CLOCK_TTL_S } from './head-table.js';
import { required, textOf } from './rows.js';

export type Verdict = 'made' | 'lost';

const uuid = (text: string) => types.Uuid.fromString(text);

export class PlainHeads {
  readonly #session: Session;
  readonly #table: string;
  readonly #verdicts: string;

  constructor(session: Session) {
    this.#session = session;
    this.#table = `${session.keyspace}.object_head`;
    this.#verdicts = `${session.keyspace}.write_verdict`;
  }

  /** The version, whose inline bytes are all there, becomes the key if no write has a greater clock. Repeatable with the same token. */
  async put(bucket: BucketRef, key: string, write: PlainWrite): Promise<void> {
    const { version, clock, token } = write;
    const mark = `${encodeObjectEntry(version)},"t":"${token}"`;
    const bytes = version.data.kind === 'inline' ? version.data.bytes : null;
    const query =
      `UPDATE ${this.#table} USING TIMESTAMP ? SET key_clock = ?, doc = ?, inline = ? ` +
      'WHERE bucket = ? AND key = ? AND slot = ?';
    const row = [markedDocument(documentOf(version, NO_CRCS), mark), markedInline(bytes, mark)];
    await this.#session.write(query, [clock, clock, ...row, uuid(bucket.instance), key, clock]);
  }

  /** The key is gone, unless a write has a greater clock. */
  async remove(bucket: BucketRef, key: string, clock: number): Promise<void> {
    const at = [uuid(bucket.instance), key];
    await this.#session.writeTogether([
      {
        query: `UPDATE ${this.#table} USING TIMESTAMP ? AND TTL ? SET key_clock = ? WHERE bucket = ? AND key = ?`,
        params: [clock, CLOCK_TTL_S, clock, ...at],
      },
      {
        query: `DELETE FROM ${this.#table} USING TIMESTAMP ? WHERE bucket = ? AND key = ? AND slot <= ?`,
        params: [clock, ...at, clock],
      },
    ]);
  }

  /** Behind a write that is acknowledged: the rows below it will never be read again. */
  async clear(bucket: BucketRef, key: string, below: number): Promise<void> {
    const query = `DELETE FROM ${this.#table} USING TIMESTAMP ? WHERE bucket = ? AND key = ? AND slot < ?`;
    await this.#session.write(query, [below, uuid(bucket.instance), key, below]);
  }

  /** Calls one write off, whether it has come or not. */
  async callOff(bucket: BucketRef, key: string, clock: number): Promise<void> {
    const query = `DELETE FROM ${this.#table} USING TIMESTAMP ? WHERE bucket = ? AND key = ? AND slot = ?`;
    await this.#session.write(query, [clock, uuid(bucket.instance), key, clock]);
  }

  /** What all sweepers hold of the write from now on: what the first of them has proposed. */
  async agree(bucket: BucketRef, key: string, clock: number, proposed: Verdict): Promise<Verdict> {
    const query = `INSERT INTO ${this.#verdicts} (bucket, key, slot, verdict) VALUES (?, ?, ?, ?) IF NOT EXISTS`;
    const { applied, found } = await this.#session.cas([
      { query, params: [uuid(bucket.instance), key, clock, proposed] },
    ]);
    if (applied) return proposed;
    return found !== null && required(textOf(found, 'verdict'), 'verdict') === 'made' ? 'made' : 'lost';
  }
}

export interface PlainWrite {
  readonly version: ObjectVersion;
  /** microseconds since the epoch: names the row, and is the timestamp of its cells */
  readonly clock: number;
  /** hex, random */
  readonly token: string;
}
