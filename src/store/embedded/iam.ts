/** The identity service's documents on LMDB: a commit is one transaction, so all of it is linearizable, over processes too. */
import { createHash } from 'node:crypto';
import { StoreError } from '../errors.js';
import { prefixEnd } from '../key-order.js';
import type { IamChange, IamDocument, IamKeyRow, IamKeyUse, IamListQuery, IamStore } from '../types.js';
import type { MetaDatabase } from './database.js';
import { after } from './keys.js';

/** Longer ones exist nowhere; LMDB takes keys of 1978 bytes. */
const MAX_NAME_BYTES = 1024;
const SEPARATOR = Buffer.of(0);

export class EmbeddedIam implements IamStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  async revision(account: string): Promise<number> {
    this.#db.fresh();
    return this.#revision(accountKey(account));
  }

  async get(account: string, kind: string, name: string): Promise<string | null> {
    const key = documentKey(account, kind, name);
    if (key === null) return null;
    this.#db.fresh();
    return this.#db.iam.getBinary(key)?.toString('utf8') ?? null;
  }

  async list(account: string, kind: string, query: IamListQuery): Promise<readonly IamDocument[]> {
    const from = kindKey(account, kind);
    // One byte more than the longest name has tells where a longer bound lies among names.
    const named = (bound: string): Buffer =>
      Buffer.concat([from, Buffer.from(bound, 'utf8').subarray(0, MAX_NAME_BYTES + 1)]);
    const start = query.after !== '' && query.after >= query.prefix ? after(named(query.after)) : named(query.prefix);
    const last = prefixEnd(query.prefix);
    const end = last === null ? endOf(from) : named(last);
    this.#db.fresh();
    const documents: IamDocument[] = [];
    for (const { key, value } of this.#db.iam.getRange({ start, end, limit: query.limit })) {
      documents.push({ name: key.toString('utf8', from.length), json: value.toString('utf8') });
    }
    return documents;
  }

  commit(
    account: string,
    { revision, changes }: { readonly revision: number; readonly changes: readonly IamChange[] },
  ): Promise<boolean> {
    return this.#db.transact((writes) => {
      const key = accountKey(account);
      if (this.#revision(key) !== revision) return false;
      writes.put(this.#db.iam, key, Buffer.from(String(revision + 1), 'latin1'));
      for (const { kind, name, json } of changes) {
        const document = documentKey(account, kind, name);
        if (document === null) throw new StoreError('internal', 'notApplied', `the name of a ${kind} is too long`);
        if (json === null) writes.remove(this.#db.iam, document);
        else writes.put(this.#db.iam, document, Buffer.from(json, 'utf8'));
      }
      return true;
    });
  }

  async findKey(accessKey: string): Promise<IamKeyRow | null> {
    const key = indexKey(accessKey);
    if (key === null) return null;
    this.#db.fresh();
    return this.#readKey(key);
  }

  async addKey(accessKey: string, account: string): Promise<void> {
    const key = indexKey(accessKey);
    if (key === null) throw new StoreError('internal', 'notApplied', 'the access key is too long');
    const row: IamKeyRow = { account, lastUse: null };
    await this.#db.transact((writes) => writes.put(this.#db.iamKeys, key, Buffer.from(JSON.stringify(row), 'utf8')));
  }

  async removeKey(accessKey: string): Promise<void> {
    const key = indexKey(accessKey);
    if (key !== null) await this.#db.transact((writes) => writes.remove(this.#db.iamKeys, key));
  }

  async useKey(accessKey: string, use: IamKeyUse): Promise<void> {
    const key = indexKey(accessKey);
    if (key === null) return;
    await this.#db.transact((writes) => {
      const row = this.#readKey(key);
      if (row === null) return;
      writes.put(this.#db.iamKeys, key, Buffer.from(JSON.stringify({ ...row, lastUse: use }), 'utf8'));
    });
  }

  #readKey(key: Buffer): IamKeyRow | null {
    const stored = this.#db.iamKeys.getBinary(key);
    return stored === undefined ? null : (JSON.parse(stored.toString('utf8')) as IamKeyRow);
  }

  #revision(key: Buffer): number {
    const stored = this.#db.iam.getBinary(key);
    return stored === undefined ? 0 : Number(stored.toString('latin1'));
  }
}

/** Where the revision lies, and what all keys of the account begin with: accounts may have names of any length. */
function accountKey(account: string): Buffer {
  return createHash('sha256').update(account).digest();
}

/** account, kind, 0: what the keys of all documents of a kind begin with. */
function kindKey(account: string, kind: string): Buffer {
  return Buffer.concat([accountKey(account), Buffer.from(kind, 'utf8'), SEPARATOR]);
}

/** Where the documents of a kind end (exclusive). */
function endOf(kind: Buffer): Buffer {
  return Buffer.concat([kind.subarray(0, -1), Buffer.of(1)]);
}

/** null: no document can have that name */
function documentKey(account: string, kind: string, name: string): Buffer | null {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return null;
  return Buffer.concat([kindKey(account, kind), Buffer.from(name, 'utf8')]);
}

function indexKey(accessKey: string): Buffer | null {
  const sizeBytes = Buffer.byteLength(accessKey);
  return sizeBytes === 0 || sizeBytes > MAX_NAME_BYTES ? null : Buffer.from(accessKey, 'utf8');
}
