// What the tests of the configuration share: loading a text, and the faults of a text that must not load.
import { fileURLToPath } from 'node:url';
import { ConfigError, loadConfig } from '../../../src/config/index.js';
import type { Config, ConfigIssue } from '../../../src/config/index.js';

export const FIXTURES = fileURLToPath(new URL('./fixtures/', import.meta.url));

export const KEYSTORE = `
keystore:
  keys:
    AKTESTTESTTEST000001: {tenant: tester, secret: sssh/very+secret}
`;

/** A Cassandra configuration; `extra` is added to the storage class, indented as it must be. */
export function cassandraText({ target = '', storageClass = '', extra = '' } = {}): string {
  return `${KEYSTORE}
bucketstore:
  cluster: ring
  keyspace: storage
${target}
regions:
  alps:
    metastore: {cluster: ring, keyspace: storage}
    storage-classes:
      standard:
        cluster: ring
        keyspace: storage
${storageClass}
${extra}`;
}

export function load(text: string, env?: Record<string, string | undefined>): Config {
  return loadConfig({
    path: 'pithos.yaml',
    text,
    workingDirectory: '/srv/pithos',
    ...(env === undefined ? {} : { env }),
  });
}

export function faultsOf(text: string, env?: Record<string, string | undefined>): readonly ConfigIssue[] {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('the configuration was expected to have faults and loaded');
}

/** `key: reason` of each fault, for comparisons that do not care about lines. */
export function reasonsOf(text: string, env?: Record<string, string | undefined>): string[] {
  return faultsOf(text, env).map(({ key, reason }) => `${key}: ${reason}`);
}

/** The storage class STANDARD of the only region, which must be there. */
export function standardOf(config: Config) {
  if (config.store.kind !== 'cassandra') throw new Error('not a Cassandra configuration');
  const standard = Object.values(config.store.regions)[0]?.storageClasses['STANDARD'];
  if (standard === undefined) throw new Error('no STANDARD storage class');
  return standard;
}
