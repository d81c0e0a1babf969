/** Puts the admin API together. */
import type { KeyEntry } from '../iam/key-store.js';
import { identityOf } from '../http/identity.js';
import { AdminApi } from './admin-api.js';
import type { AdminServices } from './admin-operation.js';
import { ADMIN_OPERATIONS } from './admin-operations.js';

export interface AdminOptions {
  readonly services: AdminServices;
  /** The keystore of the configuration as it is now: accounts of its master keys are operators'. */
  readonly configuredKeys: () => Readonly<Record<string, KeyEntry>>;
}

export function openAdmin({ services, configuredKeys }: AdminOptions): AdminApi {
  return new AdminApi({
    operations: ADMIN_OPERATIONS,
    services,
    identityOf: (auth, headers) => identityOf(auth, headers, services.s3.settings.master),
    isOperatorAccount: (account) =>
      Object.values(configuredKeys()).some(({ tenant, master }) => master && tenant === account),
  });
}
