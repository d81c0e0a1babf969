/** Makes a connected driver client for a target: addresses, credentials, TLS, the local datacenter, and safe policies. */
import { readFile } from 'node:fs/promises';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { auth, Client, policies, types } from 'cassandra-driver';
import type { DseClientOptions, Host } from 'cassandra-driver';
import type { CassandraTarget, CassandraTlsConfig } from '../../config/types.js';
import { StoreError } from '../errors.js';
import { discover } from './discovery.js';
import type { Discovered } from './discovery.js';
import type { CassandraOptions } from './options.js';
import { SafeRetryPolicy } from './retry-policy.js';

/** What of a target decides which connections serve it: targets that agree in these share a client. */
export type Endpoint = Pick<
  CassandraTarget,
  | 'contactPoints'
  | 'dnsServers'
  | 'port'
  | 'username'
  | 'password'
  | 'localDatacenter'
  | 'tls'
  | 'requestTimeoutMs'
  | 'connectTimeoutMs'
>;

export function endpointKey(endpoint: Endpoint): string {
  const { contactPoints, dnsServers, port, username, password, localDatacenter, tls } = endpoint;
  const { requestTimeoutMs, connectTimeoutMs } = endpoint;
  return JSON.stringify([
    [...contactPoints].sort(),
    dnsServers,
    port,
    username,
    password,
    localDatacenter,
    tls,
    requestTimeoutMs,
    connectTimeoutMs,
  ]);
}

/**
 * Contact points are resolved anew each time.
 * @throws the driver's error when no contact point answers, StoreError unavailable when none has an address, internal when the
 *   datacenter cannot be told
 */
export async function connect(
  endpoint: Endpoint,
  options: Pick<CassandraOptions, 'connectionsPerHost' | 'speculativeDelayMs' | 'logger' | 'observer'>,
): Promise<Client> {
  const discovered = await discover(endpoint);
  const base = await baseOptions(endpoint, discovered);
  const localDataCenter = endpoint.localDatacenter ?? (await discoverDatacenter(discovered, base));
  const client = new Client({
    ...base,
    policies: {
      loadBalancing: new policies.loadBalancing.DefaultLoadBalancingPolicy({ localDc: localDataCenter }),
      retry: new SafeRetryPolicy((reason) => options.observer.retried(reason)),
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(500, 5_000, true),
      speculativeExecution:
        options.speculativeDelayMs > 0
          ? new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(options.speculativeDelayMs, 1)
          : new policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
    },
    localDataCenter,
    pooling: {
      coreConnectionsPerHost: { [types.distance.local]: options.connectionsPerHost, [types.distance.remote]: 1 },
    },
  });
  client.on('log', (level: string, _class: string, message: string, detail: unknown) => {
    if (level === 'error' || level === 'warning') options.logger.warn({ detail }, `cassandra-driver: ${message}`);
  });
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown();
    throw error;
  }
  return client;
}

/** Not connected to any node. */
export function isCutOff(client: Client): boolean {
  return client.getState().getConnectedHosts().length === 0;
}

async function baseOptions(endpoint: Endpoint, discovered: Discovered): Promise<DseClientOptions> {
  return {
    contactPoints: [...discovered.contactPoints],
    protocolOptions: {
      // Discovered nodes are reached on this port.
      port: discovered.port,
      // The version that every Cassandra of interest speaks. Negotiating down from the driver's own latest takes a connection
      // more per version, and answers in a version that the driver did not ask for have made it throw where nobody can catch.
      maxVersion: types.protocolVersion.v4,
    },
    ...(endpoint.username !== undefined && {
      authProvider: new auth.PlainTextAuthProvider(endpoint.username, endpoint.password ?? ''),
    }),
    ...(endpoint.tls !== undefined && { sslOptions: await tlsOptions(endpoint.tls, discovered.names) }),
    socketOptions: { connectTimeout: endpoint.connectTimeoutMs, readTimeout: endpoint.requestTimeoutMs },
    // Node never reuses a network buffer, so cells may be views of it: saves a copy of every chunk that is read.
    encoding: { copyBuffer: false },
    monitorReporting: { enabled: false },
  };
}

/**
 * The driver connects to addresses, also of nodes that only the ring names, while certificates mostly name hosts: a
 * certificate is right when it is valid for the address or for one of the names that led to contact points.
 */
async function tlsOptions(tls: CassandraTlsConfig, names: readonly string[]): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map(readOptional));
  return {
    rejectUnauthorized: tls.verify,
    checkServerIdentity: (host, peer) => {
      if (!tls.verify) return undefined;
      const failures = [host, ...names].map((name) => checkServerIdentity(name, peer));
      return failures.includes(undefined) ? undefined : failures[0];
    },
    ...(ca && { ca: [ca] }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

async function readOptional(file: string | undefined): Promise<Buffer | undefined> {
  return file === undefined ? undefined : readFile(file);
}

/** `host` of `host:port` and `[IPv6]:port` */
export function hostOf(contactPoint: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(contactPoint);
  return bracketed?.[1] ?? contactPoint.replace(/:\d+$/, '');
}

/** The datacenter of the contact points, asked with a client that is thrown away. */
async function discoverDatacenter({ contactPoints }: Discovered, base: DseClientOptions): Promise<string> {
  const client = new Client({
    ...base,
    policies: { loadBalancing: new policies.loadBalancing.RoundRobinPolicy() },
    pooling: { warmup: false },
    isMetadataSyncEnabled: false,
  });
  try {
    await client.connect();
    const hosts = client.hosts.values();
    const all = datacenters(hosts);
    if (all.size === 1) return [...all][0] ?? '';
    const addresses = new Set(contactPoints.map(hostOf));
    const near = datacenters(hosts.filter((host) => addresses.has(hostOf(host.address))));
    const [only] = near;
    if (near.size === 1 && only !== undefined) return only;
    throw new StoreError(
      'internal',
      'notApplied',
      `the contact points lie in several datacenters (${[...(near.size > 0 ? near : all)].join(', ')}): name the one to use`,
    );
  } finally {
    await client.shutdown();
  }
}

function datacenters(hosts: readonly Host[]): Set<string> {
  // Unknown for nodes that are not up.
  return new Set(hosts.map((host) => host.datacenter).filter((name) => typeof name === 'string'));
}
