/** quota_ledger: reading and writing what is known of a tenant's quotas. Every write is conditional on the partition's revision. */
import { types } from 'cassandra-driver';
import { NO_TENANT } from '../shared/quota.js';
import type { BucketTally, TenantTally } from '../shared/quota.js';
import type { QuotaAmount } from '../quota-types.js';
import type { BucketRef } from '../types.js';
import type { Session, Statement } from './cluster.js';
import { numberOf, required, textOf, uuidOf } from './rows.js';
import type { Row } from './rows.js';

/** A change of a key that was announced, and has not been counted yet. */
export interface Hold {
  /** uuid */
  readonly id: string;
  /** of the bucket's counter */
  readonly epoch: string;
  readonly bucket: BucketRef;
  readonly key: string;
  readonly amount: QuotaAmount;
  /** The change's token, and the trail of commits that it is made on: base64. */
  readonly token: string;
  readonly base: string;
  /** ms since the epoch */
  readonly createdMs: number;
}

export interface LedgerHead {
  /** 0: there is none */
  readonly revision: number;
  readonly changeId: string | null;
  readonly tenant: TenantTally;
}

/** What a write makes of the partition: rows that are not named stay, null removes one. */
export interface LedgerWrite {
  readonly expected: number;
  readonly changeId: string;
  readonly tenant: TenantTally;
  /** by instance */
  readonly buckets: ReadonlyMap<string, BucketTally | null>;
  /** by process */
  readonly holds: ReadonlyMap<string, readonly Hold[] | null>;
}

type Kind = 'bucket' | 'gateway';

export class QuotaTable {
  readonly #session: Session;
  readonly #table: string;

  constructor(session: Session) {
    this.#session = session;
    this.#table = `${session.keyspace}.quota_ledger`;
  }

  /** Finishes a write that is under way first. Rows read afterwards are not older. */
  async head(tenant: string): Promise<LedgerHead> {
    const query = `SELECT revision, change_id, tally FROM ${this.#table} WHERE tenant = ? LIMIT 1`;
    const [row] = await this.#session.readSerial(query, [tenant]);
    const revision = row === undefined ? null : numberOf(row, 'revision');
    if (row === undefined || revision === null) return { revision: 0, changeId: null, tenant: NO_TENANT };
    const tally = required(textOf(row, 'tally'), 'tally');
    return { revision, changeId: uuidOf(row, 'change_id'), tenant: JSON.parse(tally) as TenantTally };
  }

  /** Counters by instance; those that are not there are left out. */
  async buckets(tenant: string, instances: readonly string[]): Promise<Map<string, BucketTally>> {
    const query = `SELECT name, doc FROM ${this.#table} WHERE tenant = ? AND kind = 'bucket' AND name IN ?`;
    const rows = instances.length === 0 ? [] : await this.#session.read(query, [tenant, [...instances]]);
    return documents<BucketTally>(rows);
  }

  async allBuckets(tenant: string): Promise<Map<string, BucketTally>> {
    return this.#all<BucketTally>(tenant, 'bucket');
  }

  async holdsOf(tenant: string, gateway: string): Promise<readonly Hold[]> {
    const query = `SELECT name, doc FROM ${this.#table} WHERE tenant = ? AND kind = 'gateway' AND name = ?`;
    return documents<Hold[]>(await this.#session.read(query, [tenant, gateway])).get(gateway) ?? [];
  }

  /** Of all processes. */
  async allHolds(tenant: string): Promise<Map<string, Hold[]>> {
    return this.#all<Hold[]>(tenant, 'gateway');
  }

  async #all<T>(tenant: string, kind: Kind): Promise<Map<string, T>> {
    const query = `SELECT name, doc FROM ${this.#table} WHERE tenant = ? AND kind = ?`;
    const found = new Map<string, T>();
    for await (const page of this.#session.pages(query, [tenant, kind], 500))
      for (const [name, document] of documents<T>(page)) found.set(name, document);
    return found;
  }

  /** In order of their tokens. */
  async tenants(after: string, limit: number): Promise<string[]> {
    const from = after === '' ? '' : ' WHERE token(tenant) > token(?)';
    const query = `SELECT DISTINCT tenant FROM ${this.#table}${from} LIMIT ?`;
    const rows = await this.#session.read(query, after === '' ? [limit] : [after, limit]);
    return rows.map((row) => required(textOf(row, 'tenant'), 'tenant'));
  }

  /** @returns whether the partition was at that revision; @throws StoreError, outcome unknown when it may have been written */
  async write(tenant: string, write: LedgerWrite, timeoutMs: number): Promise<boolean> {
    const { expected, changeId, buckets, holds } = write;
    const head =
      `UPDATE ${this.#table} SET revision = ?, change_id = ?, tally = ? ` + 'WHERE tenant = ? IF revision = ?';
    const id = types.Uuid.fromString(changeId);
    const sums = JSON.stringify(write.tenant);
    const statements: Statement[] = [
      { query: head, params: [expected + 1, id, sums, tenant, expected === 0 ? null : expected] },
    ];
    for (const [name, tally] of buckets) statements.push(this.#row(tenant, 'bucket', name, tally));
    for (const [name, list] of holds) statements.push(this.#row(tenant, 'gateway', name, list));
    return (await this.#session.cas(statements, timeoutMs)).applied;
  }

  #row(tenant: string, kind: Kind, name: string, document: object | null): Statement {
    if (document === null) {
      return {
        query: `DELETE FROM ${this.#table} WHERE tenant = ? AND kind = ? AND name = ?`,
        params: [tenant, kind, name],
      };
    }
    return {
      query: `UPDATE ${this.#table} SET doc = ? WHERE tenant = ? AND kind = ? AND name = ?`,
      params: [JSON.stringify(document), tenant, kind, name],
    };
  }
}

function documents<T>(rows: readonly Row[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const row of rows) {
    const document = textOf(row, 'doc');
    if (document !== null) found.set(required(textOf(row, 'name'), 'name'), JSON.parse(document) as T);
  }
  return found;
}
