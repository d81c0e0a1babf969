/** What of the configuration a running server obeys when it is read again: keys, limits, log levels, trusted proxies, draining. */
import type { Config } from './config/index.js';
import { ProxyTrust } from './http/client-address.js';
import type { ReloadableKeyStore } from './iam/key-store.js';
import { reloadableKeyStore } from './iam/key-store.js';
import { Admission } from './limits/admission.js';
import type { Rates } from './limits/rates.js';
import { Refusals } from './limits/refusals.js';
import type { GatewayCount } from './limits/request-limits.js';
import { RequestLimits } from './limits/request-limits.js';
import { admissionLimits, requestLimitSettings } from './limits/settings.js';
import type { Logs } from './observe/logger.js';
import { setLevels } from './observe/logger.js';

export interface LiveSettingsOptions {
  readonly config: Config;
  readonly rates: Rates;
  readonly gateways: GatewayCount;
  /** This process's part of a figure that is the whole server's. */
  readonly shareOf: (total: number) => number;
  readonly logs: Logs;
}

export class LiveSettings {
  readonly #options: LiveSettingsOptions;
  readonly keyStore: ReloadableKeyStore;
  readonly admission: Admission;
  readonly requestLimits: RequestLimits;
  readonly refusals = new Refusals();
  #config: Config;
  #proxies: ProxyTrust;

  constructor(options: LiveSettingsOptions) {
    const { config, rates, gateways, shareOf } = options;
    this.#options = options;
    this.#config = config;
    this.keyStore = reloadableKeyStore(config.keystore.keys);
    this.admission = new Admission({ limits: admissionLimits(config.limits, shareOf) });
    this.requestLimits = new RequestLimits({
      settings: requestLimitSettings(config.limits),
      rates,
      gateways,
      refusals: this.refusals,
    });
    this.#proxies = new ProxyTrust(config.service.trustedProxies);
  }

  get proxies(): ProxyTrust {
    return this.#proxies;
  }

  get keys(): Config['keystore']['keys'] {
    return this.#config.keystore.keys;
  }

  get drain(): Pick<Config['service'], 'drainTimeoutMs' | 'drainDelayMs'> {
    return this.#config.service;
  }

  apply(config: Config): void {
    const { shareOf, logs } = this.#options;
    this.#config = config;
    this.keyStore.replace(config.keystore.keys);
    this.admission.update(admissionLimits(config.limits, shareOf));
    this.requestLimits.update(requestLimitSettings(config.limits));
    this.#proxies = new ProxyTrust(config.service.trustedProxies);
    setLevels(logs, config.logging);
  }
}
