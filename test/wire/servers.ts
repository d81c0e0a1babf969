// The gateways of the wire tests: each test file runs its suites against one spawned gateway per store.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { CreateBucketCommandInput, S3ClientConfig } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { cassandraConfig, embeddedConfig, MASTER_KEY, OTHER_KEY, REGION, spawnPithos } from '../support/server.js';
import type { Credentials, PithosConfig, PithosProcess } from '../support/server.js';

export { MASTER_KEY, OTHER_KEY, REGION, SERVICE_URI } from '../support/server.js';
export type { Credentials } from '../support/server.js';

export type StoreKind = 'embedded' | 'cassandra';
export const STORES: readonly StoreKind[] = ['embedded', 'cassandra'];

/** The key that most tests use: an ordinary one, so that no test passes by a master key's powers. */
export const USER_KEY: Credentials = {
  accessKeyId: 'AKIAUSEROFWIRETESTS0',
  secretAccessKey: 'yV3r+1Ong/SecretOfTheOrdinaryUserInWireTests',
  tenant: 'user@example.com',
};

/** A place for data that lives longer than one gateway; `config` starts gateways on it. */
export interface Home {
  readonly config: PithosConfig;
  /** Folder of the embedded store; on Cassandra empty. */
  readonly dataDir: string;
  /** null for the embedded store */
  readonly keyspace: string | null;
  remove(): Promise<void>;
}

export interface HomeOptions {
  /**
   * On Cassandra: a keyspace of its own, without a schema, dropped at the end, for who looks at rows or writes much. Default: the
   * run's.
   */
  readonly ownKeyspace?: boolean;
}

/**
 * Prepares a store and the configuration of a gateway on it. `changes` adds to the sections of the configuration;
 * null takes one away.
 */
export async function makeHome(
  store: StoreKind,
  changes: PithosConfig = {},
  { ownKeyspace = false }: HomeOptions = {},
): Promise<Home> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'pithos-wire-'));
  const keyspace = store === 'embedded' ? null : ownKeyspace ? uniqueKeyspace('wire') : inject('wireKeyspace');
  const config = keyspace === null ? embeddedConfig({ dataDir }) : onCassandra(keyspace);
  const { keys } = config['keystore'] as { readonly keys: PithosConfig };
  const { tenant, secretAccessKey: secret, accessKeyId } = USER_KEY;
  const keystore = { keys: { ...keys, [accessKeyId]: { tenant, secret, master: false } } };
  return {
    config: merged({ ...config, keystore }, changes),
    dataDir,
    keyspace,
    remove: async () => {
      await rm(dataDir, { recursive: true, force: true });
      if (keyspace !== null && ownKeyspace) await dropKeyspace({ ...useCassandra(), keyspace });
    },
  };
}

function merged(config: PithosConfig, changes: PithosConfig): PithosConfig {
  const result: Record<string, unknown> = { ...config };
  for (const [name, section] of Object.entries(changes))
    result[name] = section === null ? undefined : { ...(config[name] as object | undefined), ...(section as object) };
  return result;
}

function onCassandra(keyspace: string): PithosConfig {
  const { contactPoint, localDataCenter } = useCassandra();
  return cassandraConfig({ contactPoints: [contactPoint], localDataCenter, keyspace });
}

/** What a suite talks to. The gateway runs from the suite's first test to its last. */
export class Wire {
  readonly store: StoreKind;
  readonly #changes: PithosConfig;
  readonly #options: HomeOptions;
  #home: Home | null = null;
  #server: PithosProcess | null = null;
  #user: S3Client | null = null;

  constructor(store: StoreKind, changes: PithosConfig, options: HomeOptions) {
    this.store = store;
    this.#changes = changes;
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#home = await makeHome(this.store, this.#changes, this.#options);
    const bootstrap = this.store === 'cassandra' && this.#options.ownKeyspace === true;
    this.#server = await spawnPithos({ config: this.#home.config, bootstrap });
  }

  async stop(): Promise<void> {
    this.#user?.destroy();
    await this.#server?.stop();
    await this.#home?.remove();
  }

  get server(): PithosProcess {
    if (this.#server === null) throw new Error('the gateway is not running');
    return this.#server;
  }

  get home(): Home {
    if (this.#home === null) throw new Error('the gateway is not running');
    return this.#home;
  }

  /** A client of USER_KEY. */
  get s3(): S3Client {
    return (this.#user ??= this.client());
  }

  /** A client of any key. It does not retry: a test sees the first answer. */
  client(credentials: Credentials = USER_KEY, options: S3ClientConfig = {}): S3Client {
    return clientOf(this.server, credentials, options);
  }

  /** Creates a bucket of USER_KEY with a name of its own. */
  async bucket(input: Partial<CreateBucketCommandInput> = {}): Promise<string> {
    const Bucket = bucketName();
    await this.s3.send(new CreateBucketCommand({ ...input, Bucket }));
    return Bucket;
  }
}

export function clientOf(
  server: Pick<PithosProcess, 'url'>,
  { accessKeyId, secretAccessKey }: Credentials = USER_KEY,
  options: S3ClientConfig = {},
): S3Client {
  return new S3Client({
    endpoint: server.url,
    region: REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
    ...options,
  });
}

export function bucketName(prefix = 'wire'): string {
  return `${prefix}-${randomBytes(8).toString('hex')}`;
}

/** Runs a suite on every store. `changes` adds to the sections of the gateways' configuration. */
export function describeWire(
  name: string,
  suite: (wire: Wire) => void,
  changes: PithosConfig = {},
  options: HomeOptions = {},
): void {
  describe.each(STORES)(`${name} on %s`, (store) => {
    const wire = new Wire(store, changes, options);
    beforeAll(() => wire.start());
    afterAll(() => wire.stop());
    suite(wire);
  });
}

/** Another tenant's, and the operator's. */
export const KEYS = { user: USER_KEY, other: OTHER_KEY, master: MASTER_KEY };
