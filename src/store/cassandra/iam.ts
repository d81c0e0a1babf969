/** The identity service's documents on Cassandra: an account is a partition, a commit one conditional batch on its revision. */
import { randomUUID } from 'node:crypto';
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { prefixEnd } from '../key-order.js';
import type { IamChange, IamDocument, IamKeyRow, IamKeyUse, IamListQuery, IamStore } from '../types.js';
import type { CasResult, Session, Statement } from './cluster.js';
import { KeyedMutex } from './keyed-mutex.js';
import { backoff } from './retry.js';
import { numberOf, required, textOf, uuidOf } from './rows.js';

const MAX_ATTEMPTS = 8;

interface Head {
  readonly revision: number;
  readonly changeId: string | null;
}

export class CassandraIam implements IamStore {
  readonly #session: Session;
  readonly #documents: string;
  readonly #keys: string;
  /** Commits of one account by this gateway, one after another: they would only make each other fail. */
  readonly #busy = new KeyedMutex();

  constructor(session: Session) {
    this.#session = session;
    this.#documents = `${session.keyspace}.iam_document`;
    this.#keys = `${session.keyspace}.iam_access_key`;
  }

  async revision(account: string): Promise<number> {
    return (await this.#head(account)).revision;
  }

  async get(account: string, kind: string, name: string): Promise<string | null> {
    const query = `SELECT document FROM ${this.#documents} WHERE account = ? AND kind = ? AND name = ?`;
    const rows = await this.#session.read(query, [account, kind, name]);
    return rows[0] === undefined ? null : textOf(rows[0], 'document');
  }

  async list(account: string, kind: string, query: IamListQuery): Promise<readonly IamDocument[]> {
    const { prefix, after, limit } = query;
    const exclusive = after !== '' && after >= prefix;
    const end = prefixEnd(prefix);
    const rows = await this.#session.read(
      `SELECT name, document FROM ${this.#documents} WHERE account = ? AND kind = ? ` +
        `AND name ${exclusive ? '>' : '>='} ?${end === null ? '' : ' AND name < ?'} LIMIT ?`,
      [account, kind, exclusive ? after : prefix, ...(end === null ? [] : [end]), limit],
      { fetchSize: limit },
    );
    return rows.map((row) => ({
      name: required(textOf(row, 'name'), 'name'),
      json: required(textOf(row, 'document'), 'document'),
    }));
  }

  commit(
    account: string,
    { revision, changes }: { readonly revision: number; readonly changes: readonly IamChange[] },
  ): Promise<boolean> {
    return this.#busy.run(account, () => this.#commitAlone(account, revision, changes));
  }

  async #commitAlone(account: string, revision: number, changes: readonly IamChange[]): Promise<boolean> {
    const changeId = randomUUID();
    const statements = this.#batch(account, { revision: revision + 1, changeId }, { expected: revision, changes });
    let uncertain = false;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const result = await this.#attempt(statements);
      if (result?.applied === true) return true;
      if (result === null) uncertain = true;
      // The same batch again is safe: at most one of its copies finds the revision that it asks for.
      else if (!uncertain) return false;
      const now = await this.#head(account);
      if (now.changeId === changeId) return true;
      if (now.revision > revision + 1) break;
      if (now.revision === revision + 1) return false;
      await backoff(attempt);
    }
    throw new StoreError('timeout', 'unknown', `the change of account ${account} may have been made`);
  }

  /** null: it may have been applied */
  async #attempt(statements: readonly Statement[]): Promise<CasResult | null> {
    try {
      return await this.#session.cas(statements);
    } catch (error) {
      if (error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal') return null;
      throw error;
    }
  }

  #batch(
    account: string,
    next: { readonly revision: number; readonly changeId: string },
    { expected, changes }: { readonly expected: number; readonly changes: readonly IamChange[] },
  ): Statement[] {
    const table = this.#documents;
    const head: Statement = {
      query: `UPDATE ${table} SET revision = ?, change_id = ? WHERE account = ? IF revision = ?`,
      params: [next.revision, types.Uuid.fromString(next.changeId), account, expected === 0 ? null : expected],
    };
    const documents = changes.map(({ kind, name, json }): Statement =>
      json === null
        ? { query: `DELETE FROM ${table} WHERE account = ? AND kind = ? AND name = ?`, params: [account, kind, name] }
        : {
            query: `INSERT INTO ${table} (account, kind, name, document) VALUES (?, ?, ?, ?)`,
            params: [account, kind, name, json],
          },
    );
    return [head, ...documents];
  }

  /** Finishes a commit under way first. */
  async #head(account: string): Promise<Head> {
    const query = `SELECT revision, change_id FROM ${this.#documents} WHERE account = ? LIMIT 1`;
    const [row] = await this.#session.readSerial(query, [account]);
    if (row === undefined) return { revision: 0, changeId: null };
    return { revision: numberOf(row, 'revision') ?? 0, changeId: uuidOf(row, 'change_id') };
  }

  async findKey(accessKey: string): Promise<IamKeyRow | null> {
    // Cassandra refuses empty keys; longer ones than 64 KiB too, but no header holds them.
    if (accessKey === '') return null;
    const query = `SELECT account, last_used, last_region, last_service FROM ${this.#keys} WHERE access_key = ?`;
    const [row] = await this.#session.read(query, [accessKey]);
    const account = row === undefined ? null : textOf(row, 'account');
    // No account: the use of a key was written after its removal.
    if (row === undefined || account === null) return null;
    const atMs = numberOf(row, 'last_used');
    const region = textOf(row, 'last_region') ?? '';
    const service = textOf(row, 'last_service') ?? '';
    return { account, lastUse: atMs === null ? null : { atMs, region, service } };
  }

  async addKey(accessKey: string, account: string): Promise<void> {
    await this.#session.write(`INSERT INTO ${this.#keys} (access_key, account) VALUES (?, ?)`, [accessKey, account]);
  }

  async removeKey(accessKey: string): Promise<void> {
    await this.#session.write(`DELETE FROM ${this.#keys} WHERE access_key = ?`, [accessKey]);
  }

  async useKey(accessKey: string, use: IamKeyUse): Promise<void> {
    const query = `UPDATE ${this.#keys} SET last_used = ?, last_region = ?, last_service = ? WHERE access_key = ?`;
    await this.#session.write(query, [use.atMs, use.region, use.service, accessKey]);
  }
}
