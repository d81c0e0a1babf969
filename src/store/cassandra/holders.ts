/** blob_holder: which keys a blob may be referred to by besides the one that an entry of garbage names. */
import { types } from 'cassandra-driver';
import type { BlobName } from '../shared/key-change.js';
import type { Session } from './cluster.js';
import { required, textOf } from './rows.js';

/** Statements in flight. */
const WIDTH = 32;

export class HolderTable {
  readonly #session: Session;
  readonly #table: string;

  constructor(session: Session) {
    this.#session = session;
    this.#table = `${session.keyspace}.blob_holder`;
  }

  /** Durable when it resolves: not before may the keys refer to the blobs. */
  async add(blobs: readonly BlobName[], keys: readonly string[]): Promise<void> {
    const query = `INSERT INTO ${this.#table} (inode, key) VALUES (?, ?)`;
    await inParallel(blobs, async ({ inode }) => {
      const id = types.Uuid.fromString(inode);
      await Promise.all(keys.map((key) => this.#session.write(query, [id, key])));
    });
  }

  /** By inode; blobs that were never carried to another key are left out. */
  async of(blobs: readonly BlobName[]): Promise<Map<string, string[]>> {
    const query = `SELECT key FROM ${this.#table} WHERE inode = ?`;
    const holders = new Map<string, string[]>();
    await inParallel(blobs, async ({ inode }) => {
      const rows = await this.#session.read(query, [types.Uuid.fromString(inode)]);
      if (rows.length > 0)
        holders.set(
          inode,
          rows.map((row) => required(textOf(row, 'key'), 'key')),
        );
    });
    return holders;
  }

  /** Nothing refers to the blobs, and nothing will. */
  async forget(inodes: readonly string[]): Promise<void> {
    const query = `DELETE FROM ${this.#table} WHERE inode = ?`;
    await inParallel(inodes, (inode) => this.#session.write(query, [types.Uuid.fromString(inode)]));
  }
}

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker));
}
