// What a configuration comes to, for `check-config`: every setting with its default filled in, and no secret.
import { stringify } from 'yaml';
import type { Config, CassandraTarget, MasterKey, NotificationTargetConfig, StoreConfig } from './types.js';

const HIDDEN = '(hidden)';

/** The settings as YAML, in their own names and units. Secrets, passwords and key material are left out. */
export function describeConfig(config: Config): string {
  return stringify(redactConfig(config), { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** The settings as a plain object that is safe to log. */
export function redactConfig(config: Config): Record<string, unknown> {
  const { keystore, store, encryption, notifications, replication, tracing, ...rest } = config;
  return {
    ...rest,
    keystore: { keys: mapValues(keystore.keys, (entry) => ({ ...entry, secret: HIDDEN })) },
    store: redactStore(store),
    ...(tracing === undefined ? {} : { tracing: { ...tracing, headers: mapValues(tracing.headers, () => HIDDEN) } }),
    notifications: { ...notifications, targets: mapValues(notifications.targets, redactNotificationTarget) },
    replication: {
      ...replication,
      targets: mapValues(replication.targets, (target) => ({ ...target, secret: HIDDEN })),
    },
    encryption: {
      masterKey: encryption.masterKey === null ? null : redactKey(encryption.masterKey),
      previousKeys: encryption.previousKeys.map(redactKey),
      kmsKeys: encryption.kmsKeys.map((key) => ({ ...key, versions: key.versions.map(() => HIDDEN) })),
      kmsDefaultKey: encryption.kmsDefaultKey,
      customerKeysRequireTls: encryption.customerKeysRequireTls,
    },
  };
}

function redactStore(store: StoreConfig): Record<string, unknown> {
  if (store.kind === 'embedded') return { ...store };
  return {
    kind: store.kind,
    bucketstore: redactTarget(store.bucketstore),
    regions: mapValues(store.regions, ({ metastore, storageClasses }) => ({
      metastore: redactTarget(metastore),
      storageClasses: mapValues(storageClasses, redactTarget),
    })),
  };
}

function redactTarget(target: CassandraTarget): Record<string, unknown> {
  return target.password === undefined ? { ...target } : { ...target, password: HIDDEN };
}

const SECRETS = new Set(['authorization', 'signingSecret', 'password', 'token']);

function redactNotificationTarget(target: NotificationTargetConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(target).map(([name, value]) => [name, SECRETS.has(name) ? HIDDEN : value]));
}

function redactKey({ id }: MasterKey): Record<string, unknown> {
  return { id, key: HIDDEN };
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
