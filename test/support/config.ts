// Configurations of Pithos for tests: the example keys, and a store of either kind.

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly tenant: string;
}

/** The example key of Pithos's documentation, a master key. */
export const MASTER_KEY: Credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  tenant: 'test@example.com',
};

/** An ordinary key of another tenant. */
export const OTHER_KEY: Credentials = {
  accessKeyId: 'AKIAI44QH8DHBEXAMPLE',
  secretAccessKey: 'je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY',
  tenant: 'other@example.com',
};

export const SERVICE_URI = 's3.example.com';
export const REGION = 'myregion';

/** The content of a pithos.yaml. */
export type PithosConfig = Readonly<Record<string, unknown>>;

interface ServiceOptions {
  /** Port of the gateway on 127.0.0.1. Without it spawnPithos finds a free one. */
  readonly port?: number;
}

/** A gateway on the embedded store in `dataDir`. */
export function embeddedConfig({ dataDir, port }: ServiceOptions & { readonly dataDir: string }): PithosConfig {
  return common({ port, options: { 'data-dir': dataDir } });
}

/**
 * A gateway on Cassandra, every layer in one keyspace. `contactPoints` are `host:port`, as the Cassandra harness gives them;
 * `repfactor` defaults to 1. `target` adds settings to each layer: username, password, tls, write-consistency ...
 */
export function cassandraConfig({
  contactPoints,
  keyspace,
  port,
  repfactor = 1,
  localDataCenter,
  target: more = {},
}: ServiceOptions & {
  readonly contactPoints: readonly string[];
  readonly keyspace: string;
  readonly repfactor?: number;
  readonly localDataCenter?: string;
  readonly target?: Readonly<Record<string, unknown>>;
}): PithosConfig {
  const nativePort = /:(\d+)$/.exec(contactPoints[0] ?? '')?.[1];
  const target = {
    cluster: [...contactPoints],
    // Peers are found at this port.
    ...(nativePort !== undefined && { port: Number(nativePort) }),
    keyspace,
    repfactor,
    ...(localDataCenter !== undefined && { 'local-datacenter': localDataCenter }),
    ...more,
  };
  const data = { ...target, 'max-chunk': '128k' };
  return {
    ...common({ port, options: {} }),
    bucketstore: { 'default-region': REGION, ...target },
    regions: { [REGION]: { metastore: target, 'storage-classes': { standard: data, 'glacier-ir': data } } },
    // On Cassandra the master key of SSE-S3 comes from the configuration; this one guards nothing.
    encryption: { 'master-key': Buffer.alloc(32, 'test master key').toString('base64') },
  };
}

function common({ port, options }: { readonly port: number | undefined; readonly options: PithosConfig }) {
  const key = ({ tenant, secretAccessKey }: Credentials, master: boolean) => ({
    tenant,
    secret: secretAccessKey,
    master,
  });
  return {
    service: { host: '127.0.0.1', ...(port !== undefined && { port }) },
    logging: { level: 'info', console: true },
    options: { 'service-uri': SERVICE_URI, 'default-region': REGION, ...options },
    keystore: {
      keys: { [MASTER_KEY.accessKeyId]: key(MASTER_KEY, true), [OTHER_KEY.accessKeyId]: key(OTHER_KEY, false) },
    },
  };
}
