/** Puts the identity service together: who access keys are, and the query APIs over it. */
import type { Logger } from 'pino';
import type { Peers } from '../cluster/peers.js';
import { Authenticator } from '../auth/authenticator.js';
import { identityOf } from '../http/identity.js';
import type { MasterPowers } from '../s3/context.js';
import type { IamStore } from '../store/types.js';
import type { IamServices } from './iam-action.js';
import { IAM_ACTIONS } from './iam-actions.js';
import { IamCredentials } from './iam-credentials.js';
import { Sealer } from './iam-secrets.js';
import type { KeyStore } from './key-store.js';
import { chainedKeyStore } from './key-store.js';
import { QUERY_SERVICES, QueryApi } from './query-api.js';
import { OidcVerifier } from './sts-oidc.js';

export interface IamOptions {
  readonly store: IamStore;
  /** The keystore of the configuration. */
  readonly configured: KeyStore;
  /** 32 bytes each, newest first; none: access keys and sessions are refused by name */
  readonly masterKeys: readonly Buffer[];
  readonly master: MasterPowers;
  readonly maxSkewMs: number;
  /** ms since the epoch */
  readonly now: () => number;
  readonly log: Logger;
  /** Other processes of the same server, which remember keys too. */
  readonly peers: Peers;
}

export interface Iam {
  /** The configuration's keys, then those that the identity service made. */
  readonly keyStore: KeyStore;
  readonly queryApi: QueryApi;
  readonly services: IamServices;
}

export function openIam(options: IamOptions): Iam {
  const { store, configured, masterKeys, master, maxSkewMs, now, log, peers } = options;
  const sealers =
    masterKeys.length === 0
      ? null
      : { keys: new Sealer(masterKeys, 'iam access keys'), tokens: new Sealer(masterKeys, 'sts session tokens') };
  const credentials = new IamCredentials({ store, sealers, configured, now });
  peers.onAnnounced('iam', () => credentials.forget());
  const keyStore = chainedKeyStore(configured, (accessKey, token) => credentials.find(accessKey, token));
  const services: IamServices = {
    store,
    sealers,
    credentials,
    peers,
    directory: configured.directory,
    oidc: new OidcVerifier({ now }),
    now,
    log,
  };
  const queryApi = new QueryApi({
    ...services,
    actions: IAM_ACTIONS,
    authenticator: new Authenticator({
      lookup: (accessKey, token) => keyStore.get(accessKey, token),
      now,
      maxSkewMs,
      services: QUERY_SERVICES,
    }),
    identityOf: (auth, headers) => identityOf(auth, headers, master),
  });
  return { keyStore, queryApi, services };
}
