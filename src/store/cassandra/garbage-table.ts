/** garbage and garbage_shard: writing rows so that they are found again, removing them, and reading what is due. */
import { randomBytes } from 'node:crypto';
import { types } from 'cassandra-driver';
import type { GarbageEntry } from '../types.js';
import type { Session } from './cluster.js';
import {
  decodeItems,
  encodeItems,
  hourEndMs,
  hourScope,
  parseEntryId,
  shardAt,
  shardEndMs,
  shardKey,
  toEntries,
} from './garbage-rows.js';
import type { GarbageItem, GarbageKind } from './garbage-rows.js';
import { numberOf, textOf, uuidOf } from './rows.js';
import { ShardDirectory } from './shard-directory.js';

export interface GarbageRow {
  readonly shard: string;
  /** timeuuid */
  readonly id: string;
  readonly kind: GarbageKind;
  readonly items: readonly GarbageItem[];
  readonly notBeforeMs: number;
}

/** Nobody writes to a shard any more when its minute ended so long ago, by any gateway's clock. */
const CLOSED_AFTER_MS = 30 * 60_000;
const ROWS_PER_PAGE = 200;
/** Rows and bytes (about) of one partition. */
const SHARD_ROWS = 20_000;
const SHARD_BYTES = 32 * 1024 * 1024;

export class GarbageTable {
  readonly #session: Session;
  readonly #region: string;
  readonly #now: () => number;
  #gateway = randomBytes(5).toString('hex');
  /** The shard in use. */
  #filled = { shard: '', rows: 0, bytes: 0 };
  readonly #garbage: string;
  readonly #shards: ShardDirectory;
  /** Positions of rows with several entries that have been worked off: the row goes with the last of them. */
  readonly #removed = new Map<string, Set<number>>();

  constructor(options: { readonly session: Session; readonly region: string; readonly now: () => number }) {
    this.#session = options.session;
    this.#region = options.region;
    this.#now = options.now;
    this.#garbage = `${options.session.keyspace}.garbage`;
    this.#shards = new ShardDirectory({
      session: options.session,
      rows: this.#garbage,
      names: `${options.session.keyspace}.garbage_shard`,
      // A handful of minutes at most is in use at a time.
      remembered: 64,
    });
  }

  /** A row that is yet to be written. */
  newRow(kind: GarbageKind, items: readonly GarbageItem[], notBeforeMs: number): GarbageRow {
    let shard = shardKey(shardAt(this.#region, this.#gateway, Date.now()));
    if (shard !== this.#filled.shard) this.#filled = { shard, rows: 0, bytes: 0 };
    this.#filled.rows += 1;
    this.#filled.bytes += sizeOf(items);
    if (this.#filled.rows > SHARD_ROWS || this.#filled.bytes > SHARD_BYTES) {
      // A minute in which one partition is not enough: it goes on in another, as if by another gateway.
      this.#gateway = randomBytes(5).toString('hex');
      shard = shardKey(shardAt(this.#region, this.#gateway, Date.now()));
      this.#filled = { shard, rows: 1, bytes: sizeOf(items) };
    }
    return { shard, id: types.TimeUuid.now().toString(), kind, items, notBeforeMs };
  }

  /** Durable, and found by every sweeper, when it resolves. Writing a row again replaces it. */
  async write(row: GarbageRow): Promise<void> {
    const query = `INSERT INTO ${this.#garbage} (shard, id, kind, not_before, items) VALUES (?, ?, ?, ?, ?)`;
    const params = [row.shard, types.TimeUuid.fromString(row.id), row.kind, row.notBeforeMs, encodeItems(row.items)];
    await Promise.all([this.#register(row.shard), this.#session.write(query, params)]);
  }

  /** Rows of any shards. */
  async remove(rows: readonly Pick<GarbageRow, 'shard' | 'id'>[]): Promise<void> {
    await this.#shards.removeRows(rows);
  }

  #register(shard: string): Promise<void> {
    return this.#shards.register(shard, () => {
      const name = shard.slice(this.#region.length + 1);
      const { hour } = shardAt(this.#region, '', shardEndMs(name) - 1);
      return [
        [this.#region, hour],
        [hourScope(this.#region, hour), name],
      ];
    });
  }

  /** Entries that are due, oldest shard first; drops shards and hours that are worked off. */
  async due(nowMs: number, limit: number): Promise<GarbageEntry[]> {
    const due: GarbageEntry[] = [];
    const realNowMs = Math.min(nowMs, this.#now(), Date.now());
    for (const hour of await this.#shards.names(this.#region)) {
      const scope = hourScope(this.#region, hour);
      const names = await this.#shards.names(scope);
      for (const name of names) {
        const shard = `${this.#region}/${name}`;
        const empty = await this.#dueOf(shard, nowMs, limit, due);
        if (due.length >= limit) return sorted(due).slice(0, limit);
        if (empty && shardEndMs(name) + CLOSED_AFTER_MS < realNowMs) await this.#shards.drop(scope, name, shard);
      }
      if (names.length === 0 && hourEndMs(hour) + CLOSED_AFTER_MS < realNowMs)
        await this.#shards.drop(this.#region, hour);
    }
    return sorted(due);
  }

  /** @returns whether the shard holds nothing at all */
  async #dueOf(shard: string, nowMs: number, limit: number, due: GarbageEntry[]): Promise<boolean> {
    const query = `SELECT id, kind, not_before, items FROM ${this.#garbage} WHERE shard = ?`;
    let empty = true;
    for await (const page of this.#session.pages(query, [shard], ROWS_PER_PAGE)) {
      for (const row of page) {
        empty = false;
        const id = uuidOf(row, 'id') ?? '';
        const notBeforeMs = numberOf(row, 'not_before');
        const kind = textOf(row, 'kind');
        const entries = textOf(row, 'items');
        if (notBeforeMs === null || kind === null || entries === null || notBeforeMs > nowMs) continue;
        const items = decodeItems(entries, this.#region);
        const removed = this.#removed.get(`${shard}|${id}`);
        const found = toEntries({ shard, id, kind: kind as GarbageKind, notBeforeMs }, items);
        due.push(...found.filter((_entry, i) => removed?.has(i) !== true));
      }
      if (due.length >= limit) return false;
    }
    return empty;
  }

  async removeEntry(entry: Pick<GarbageEntry, 'id'>): Promise<void> {
    const place = parseEntryId(entry.id);
    if (place === null) return;
    const rowKey = `${place.shard}|${place.row}`;
    const removed = this.#removed.get(rowKey) ?? new Set<number>();
    removed.add(place.index);
    if (removed.size < place.count) {
      this.#removed.set(rowKey, removed);
      return;
    }
    await this.remove([{ shard: place.shard, id: place.row }]);
    this.#removed.delete(rowKey);
  }
}

function sizeOf(items: readonly GarbageItem[]): number {
  return items.reduce(
    (sum, { bucket, key, blobs }) => sum + bucket.name.length + key.length + 80 + 80 * blobs.length,
    0,
  );
}

function sorted(entries: GarbageEntry[]): GarbageEntry[] {
  return entries.sort((a, b) => a.notBeforeMs - b.notBeforeMs);
}
