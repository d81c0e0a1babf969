/**
 * Access keys that the identity service made, and the temporary credentials of STS: who they are and what they may do. Answers
 * are remembered for a second, so a key that is revoked stops working everywhere within that.
 */
import type { Credential } from '../auth/types.js';
import { S3Error } from '../s3/errors.js';
import { StoreError } from '../store/errors.js';
import type { IamKeyUse, IamStore, Owner } from '../store/types.js';
import type { Caller } from './iam-caller.js';
import { rootCaller } from './iam-caller.js';
import { federatedCaller, roleCaller, rootSessionCaller, userCaller } from './iam-callers.js';
import type { Sealer } from './iam-secrets.js';
import { AccountReader } from './iam-store.js';
import type { KeyStore } from './key-store.js';
import type { SessionClaims } from './sts-token.js';
import { openToken } from './sts-token.js';

/** How long an answer about a key is remembered; more than a change may take to be obeyed is never. */
export const CREDENTIAL_TTL_MS = 1000;
const MAX_REMEMBERED = 10_000;
/** Ids are 16 to 128 characters (AWS); longer ones are nobody's. */
const MAX_KEY_LENGTH = 128;
/** The use of a key is written down at most so often by a gateway. */
const USE_INTERVAL_MS = 60_000;

export interface IamSealers {
  /** secrets of access keys */
  readonly keys: Sealer;
  readonly tokens: Sealer;
}

export interface IamCredentialsOptions {
  readonly store: IamStore;
  /** null: no master key is configured, there are neither keys nor sessions */
  readonly sealers: IamSealers | null;
  /** The keystore of the configuration: sessions of its keys are theirs. */
  readonly configured: KeyStore;
  /** ms since the epoch */
  readonly now: () => number;
}

interface Remembered {
  readonly credential: Credential | null;
  readonly untilMs: number;
}

export class IamCredentials {
  readonly #options: IamCredentialsOptions;
  readonly #remembered = new Map<string, Remembered>();
  readonly #asking = new Map<string, Promise<Credential | null>>();
  readonly #used = new Map<string, number>();
  /** Counts changes made here: what was asked before one of them is not remembered after it. */
  #generation = 0;

  constructor(options: IamCredentialsOptions) {
    this.#options = options;
  }

  /**
   * @throws S3Error ExpiredToken, InvalidToken; StoreError when it cannot be answered
   */
  find(accessKey: string, sessionToken: string | undefined): Promise<Credential | null> | Credential | null {
    if (this.#options.sealers === null || accessKey === '' || accessKey.length > MAX_KEY_LENGTH) return null;
    const claims = sessionToken === undefined ? null : this.#claims(accessKey, sessionToken);
    // A session's key without its token is nobody's: the two kinds never answer for each other.
    const slot = claims === null ? `key ${accessKey}` : `session ${accessKey}`;
    const known = this.#remembered.get(slot);
    if (known !== undefined && known.untilMs > performance.now()) return withToken(known.credential, sessionToken);
    const ask = () => (claims === null ? this.#findKey(accessKey) : this.#findSession(claims));
    return this.#ask(slot, ask).then((credential) => withToken(credential, sessionToken));
  }

  /** What was remembered is asked again: a change of an account made by this gateway is obeyed at once. */
  forget(): void {
    this.#generation++;
    this.#remembered.clear();
    this.#asking.clear();
  }

  /** Writes down, now and then and without waiting, that a key was used. */
  used(credential: Credential, use: Omit<IamKeyUse, 'atMs'>): void {
    if (credential.caller === undefined || credential.sessionToken !== undefined) return;
    const { accessKey } = credential;
    const atMs = this.#options.now();
    if (atMs - (this.#used.get(accessKey) ?? 0) < USE_INTERVAL_MS) return;
    if (this.#used.size >= MAX_REMEMBERED) this.#used.clear();
    this.#used.set(accessKey, atMs);
    // Lost when the store is in trouble: the request it belongs to does not depend on it.
    this.#options.store.useKey(accessKey, { ...use, atMs }).catch(() => this.#used.delete(accessKey));
  }

  #claims(accessKey: string, token: string): SessionClaims {
    const { sealers, now } = this.#options;
    const claims = sealers === null ? null : openToken(sealers.tokens, token);
    if (claims?.accessKey !== accessKey) throw new S3Error('InvalidToken');
    if (claims.expiresAtMs <= now()) throw new S3Error('ExpiredToken');
    return claims;
  }

  #ask(slot: string, ask: () => Promise<Credential | null>): Promise<Credential | null> {
    const asking = this.#asking.get(slot);
    if (asking !== undefined) return asking;
    const generation = this.#generation;
    const answer = ask()
      .then((credential) => {
        if (generation === this.#generation) this.#remember(slot, credential);
        return credential;
      })
      .finally(() => {
        if (this.#asking.get(slot) === answer) this.#asking.delete(slot);
      });
    this.#asking.set(slot, answer);
    return answer;
  }

  #remember(slot: string, credential: Credential | null): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(slot, { credential, untilMs: performance.now() + CREDENTIAL_TTL_MS });
  }

  async #findKey(accessKey: string): Promise<Credential | null> {
    const { store, sealers } = this.#options;
    const row = await store.findKey(accessKey);
    if (row === null || sealers === null) return null;
    const reader = new AccountReader(store, row.account);
    const key = await reader.get('key', accessKey);
    if (key?.active !== true) return null;
    const secret = sealers.keys.open(key.secret, accessKey);
    if (secret === null) throw sealedOtherwise(accessKey);
    const caller = await this.#callerOfKey(reader, key.user);
    return caller === null ? null : this.#credential({ accessKey, secret, account: row.account, caller });
  }

  async #callerOfKey(reader: AccountReader, user: string | null): Promise<Caller | null> {
    if (user === null) return rootCaller(reader.account);
    const document = await reader.get('user', user);
    return document === null ? null : userCaller(reader, document);
  }

  async #findSession(claims: SessionClaims): Promise<Credential | null> {
    const { accessKey, secret, account, of, session } = claims;
    const reader = new AccountReader(this.#options.store, account);
    if (of.kind === 'role') {
      const role = await reader.get('role', of.role);
      if (role?.id !== of.roleId) return null;
      const caller = await roleCaller(reader, role, { sessionName: of.sessionName, session });
      return this.#credential({ accessKey, secret, account, caller });
    }
    const parent = await this.#parent(of.parentKey);
    if (parent?.tenant !== account) return null;
    const maker = parent.caller ?? rootCaller(account);
    const caller =
      of.kind === 'federated'
        ? await federatedCaller(reader, maker.policies, { name: of.name, session })
        : await this.#keySession(reader, maker, claims);
    if (caller === null) return null;
    // A session of a key of the configuration keeps what the key may.
    return of.kind === 'key' && parent.caller === undefined
      ? { ...parent, accessKey, secret, caller }
      : this.#credential({ accessKey, secret, account, caller });
  }

  /** The key that a session was made with: once it is revoked, so are its sessions. */
  async #parent(accessKey: string): Promise<Credential | null> {
    return (await this.#options.configured.get(accessKey)) ?? this.#findKey(accessKey);
  }

  async #keySession(reader: AccountReader, maker: Caller, { session }: SessionClaims): Promise<Caller | null> {
    if (maker.policies === null) return rootSessionCaller(maker, session);
    const user = maker.principal.id === null ? null : await reader.get('user', maker.principal.id);
    return user === null ? null : userCaller(reader, user, session);
  }

  async #credential(facts: {
    readonly accessKey: string;
    readonly secret: string;
    readonly account: string;
    readonly caller: Caller;
  }): Promise<Credential> {
    const { accessKey, secret, account, caller } = facts;
    const owner: Owner | null = await this.#options.configured.directory.findTenant(account);
    return {
      accessKey,
      secret,
      tenant: account,
      master: false,
      memberOf: [],
      displayName: owner?.displayName ?? account,
      caller,
    };
  }
}

/** The token was opened, so it is the credential's: authentication compares it with what the request says. */
function withToken(credential: Credential | null, sessionToken: string | undefined): Credential | null {
  return credential === null || sessionToken === undefined ? credential : { ...credential, sessionToken };
}

function sealedOtherwise(accessKey: string): StoreError {
  return new StoreError(
    'corrupt',
    'notApplied',
    `the secret of ${accessKey} does not open: its master key is not configured (encryption.previous-keys)`,
  );
}
