/** What a row of the table of actions is (src/iam/iam-actions.ts), and what its handler is given. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import type { Credential } from '../auth/types.js';
import type { GranteeDirectory } from './acl-model.js';
import type { Caller } from './iam-caller.js';
import type { IamCredentials, IamSealers } from './iam-credentials.js';
import type { Params } from './iam-params.js';
import type { AccountReader, Transaction } from './iam-store.js';
import type { QueryService } from './iam-xml.js';
import type { IamStore } from '../store/types.js';
import type { OidcVerifier } from './sts-oidc.js';
import type { ConditionKeys } from './policy-model.js';

/** Everything that outlives a request. */
export interface IamServices {
  readonly store: IamStore;
  /** null: no master key is configured: neither access keys nor sessions are made */
  readonly sealers: IamSealers | null;
  readonly credentials: IamCredentials;
  readonly directory: GranteeDirectory;
  readonly oidc: OidcVerifier;
  readonly peers: Peers;
  /** ms since the epoch */
  readonly now: () => number;
  readonly log: Logger;
}

export interface IamContext {
  readonly params: Params;
  /** the caller's, '' for unsigned requests */
  readonly account: string;
  /** null: unsigned */
  readonly caller: Caller | null;
  readonly credential: Credential | null;
  readonly services: IamServices;
  readonly reader: AccountReader;
  /** Changes the caller's account; work may run several times. */
  readonly transact: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;
  /** condition keys of the request */
  readonly keys: ConditionKeys;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** What an action is about: the resource that policies allow it on. */
export type Subject =
  /** '*' */
  | 'account'
  /** UserName, else the caller */
  | 'user'
  | 'group'
  | 'role'
  /** PolicyArn, or PolicyName and Path */
  | 'policy'
  /** OpenIDConnectProviderArn, or Url */
  | 'oidc'
  /** the key's user */
  | 'key';

export interface IamAction {
  /** AWS's own name */
  readonly name: string;
  readonly service: QueryService;
  /**
   * policy: the account's root, and whom its policies allow it on the subject; signed: everybody with a key, the handler checks
   * what it must; open: unsigned callers too
   */
  readonly access: 'policy' | 'signed' | 'open';
  readonly on: Subject;
  /** Answers the content of the result element (XML), null where the action has none. */
  readonly handler: (context: IamContext) => Promise<string | null>;
}
