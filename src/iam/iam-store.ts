/**
 * The identity service's documents, typed, and transactions over them: what a transaction read is what its changes are made to,
 * however many gateways change the account at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store/errors.js';
import type { IamChange, IamStore } from '../store/types.js';

/** policy name -> JSON text as it was put */
export type InlinePolicies = Readonly<Record<string, string>>;
export type Tags = Readonly<Record<string, string>>;

/** What users, groups and roles have in common: policies can be attached to them. */
export interface Entity {
  readonly name: string;
  /** begins and ends with '/' */
  readonly path: string;
  /** AIDA..., AGPA..., AROA... */
  readonly id: string;
  /** ms since the epoch */
  readonly createdAtMs: number;
  readonly policies: InlinePolicies;
  /** ARNs of managed policies */
  readonly attached: readonly string[];
}

export interface UserDocument extends Entity {
  /** ids of groups */
  readonly groups: readonly string[];
  /** ids of access keys */
  readonly keys: readonly string[];
  readonly tags: Tags;
  /** ARN of a managed policy */
  readonly boundary: string | null;
}

export type GroupDocument = Entity;

export interface RoleDocument extends Entity {
  /** JSON text: who may assume it */
  readonly trust: string;
  readonly description: string;
  readonly maxSessionSeconds: number;
  readonly tags: Tags;
  readonly boundary: string | null;
}

export interface PolicyVersion {
  /** 'v1' */
  readonly id: string;
  /** JSON text as it was put */
  readonly text: string;
  readonly createdAtMs: number;
}

export interface PolicyDocument {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly description: string;
  readonly tags: Tags;
  /** The number of the next version: numbers are not used again. */
  readonly nextVersion: number;
  readonly defaultVersion: string;
  readonly versions: readonly PolicyVersion[];
}

export interface KeyDocument {
  /** id of its user; null: the account's root */
  readonly user: string | null;
  /** sealed */
  readonly secret: string;
  readonly active: boolean;
  readonly createdAtMs: number;
}

export interface OidcDocument {
  /** with its scheme */
  readonly url: string;
  readonly clientIds: readonly string[];
  readonly thumbprints: readonly string[];
  readonly createdAtMs: number;
  readonly tags: Tags;
}

/** Of the account as a whole. */
export interface AccountDocument {
  readonly users: number;
  readonly groups: number;
  readonly roles: number;
  readonly policies: number;
  readonly providers: number;
  /** ids of the root's access keys */
  readonly rootKeys: readonly string[];
}

export const EMPTY_ACCOUNT: AccountDocument = {
  users: 0,
  groups: 0,
  roles: 0,
  policies: 0,
  providers: 0,
  rootKeys: [],
};

/**
 * Kinds of documents and their names. Users and groups can be renamed: their documents have their ids for names, and what has
 * a name refers to them by id.
 */
export interface Documents {
  /** name: '' would be none: 'account' */
  readonly account: AccountDocument;
  /** by id */
  readonly user: UserDocument;
  /** by lower-case name -> id; the order that lists have */
  readonly 'user-name': string;
  readonly group: GroupDocument;
  readonly 'group-name': string;
  /** 'GROUPID/USERID' */
  readonly member: true;
  /** by lower-case name */
  readonly role: RoleDocument;
  readonly policy: PolicyDocument;
  /** 'POLICY/user|group|role/ENTITYID' with the policy's lower-case name -> the entity's document's name */
  readonly attachment: string;
  /** by access key id */
  readonly key: KeyDocument;
  /** by URL without scheme */
  readonly oidc: OidcDocument;
}

export type Kind = keyof Documents;

export interface Listed<Value> {
  readonly name: string;
  readonly value: Value;
}

export interface ListQuery {
  /** default '' */
  readonly prefix?: string;
  /** exclusive; default '' */
  readonly after?: string;
  readonly limit: number;
}

/** Reads of one account. */
export class AccountReader {
  readonly account: string;
  readonly store: IamStore;

  constructor(store: IamStore, account: string) {
    this.store = store;
    this.account = account;
  }

  async get<K extends Kind>(kind: K, name: string): Promise<Documents[K] | null> {
    if (name === '') return null;
    const json = await this.store.get(this.account, kind, name);
    return json === null ? null : (JSON.parse(json) as Documents[K]);
  }

  async list<K extends Kind>(kind: K, query: ListQuery): Promise<readonly Listed<Documents[K]>[]> {
    const { prefix = '', after = '', limit } = query;
    const found = await this.store.list(this.account, kind, { prefix, after, limit });
    return found.map(({ name, json }) => ({ name, value: JSON.parse(json) as Documents[K] }));
  }
}

/** Reads that a transaction is decided on, and the changes that it makes. Reads of a document that it changed see the change. */
export class Transaction extends AccountReader {
  readonly #changes = new Map<string, IamChange>();

  override async get<K extends Kind>(kind: K, name: string): Promise<Documents[K] | null> {
    const changed = this.#changes.get(`${kind}/${name}`);
    if (changed === undefined) return super.get(kind, name);
    return changed.json === null ? null : (JSON.parse(changed.json) as Documents[K]);
  }

  put<K extends Kind>(kind: K, name: string, value: Documents[K]): void {
    this.#changes.set(`${kind}/${name}`, { kind, name, json: JSON.stringify(value) });
  }

  remove(kind: Kind, name: string): void {
    this.#changes.set(`${kind}/${name}`, { kind, name, json: null });
  }

  get changes(): readonly IamChange[] {
    return [...this.#changes.values()];
  }
}

const MAX_ATTEMPTS = 50;
const MAX_PAUSE_MS = 250;

/**
 * Runs work and commits its changes if the account is still as work saw it, else runs it again. Without changes nothing is
 * written.
 * @throws what work throws (nothing is written then); StoreError contention, or with outcome unknown
 */
export async function transact<T>(
  store: IamStore,
  account: string,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const revision = await store.revision(account);
    const transaction = new Transaction(store, account);
    const result = await work(transaction);
    const { changes } = transaction;
    if (changes.length === 0 || (await store.commit(account, { revision, changes }))) return result;
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 4 * 2 ** Math.min(attempt, 10)));
  }
  throw new StoreError('contention', 'notApplied', `account ${account} is changed by too many at once`);
}
