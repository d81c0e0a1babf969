/** The nodes of a ring as this process's driver sees them, with the schema that each has. */
import type { Client } from 'cassandra-driver';
import type { StoreNode, StoreTopology } from '../types.js';
import type { Cluster } from './cluster.js';
import { hostOf } from './connect.js';

export type ClusterTopology = Extract<StoreTopology, { kind: 'cassandra' }>['clusters'][number];

/** keyspaces: those that are used of it */
export async function topologyOf(cluster: Cluster, keyspaces: ReadonlySet<string>): Promise<ClusterTopology> {
  const { contactPoints, localDatacenter } = cluster.endpoint;
  const common = { contactPoints, localDatacenter: localDatacenter ?? null, keyspaces: [...keyspaces] };
  let client: Client;
  let schemas: ReadonlyMap<string, string>;
  try {
    client = await cluster.client();
    schemas = await schemaVersions(client);
  } catch {
    return { ...common, schemaAgreement: null, nodes: [] };
  }
  const nodes = client.hosts.values().map((host): StoreNode => ({
    address: host.address,
    datacenter: host.datacenter,
    rack: host.rack,
    up: host.isUp(),
    release: host.cassandraVersion,
    schemaVersion: schemas.get(hostOf(host.address)) ?? null,
  }));
  nodes.sort((a, b) => (a.address < b.address ? -1 : 1));
  const known = nodes.filter(({ up }) => up).map(({ schemaVersion }) => schemaVersion);
  return { ...common, schemaAgreement: new Set(known).size <= 1, nodes };
}

/** By address without its port, as one coordinator has heard of them. */
async function schemaVersions(client: Client): Promise<ReadonlyMap<string, string>> {
  // Both tables are the coordinator's own: the second has to be read where the first was.
  const local = await client.execute('SELECT rpc_address, schema_version FROM system.local');
  const host = client.hosts.values().find(({ address }) => address === local.info.queriedHost);
  const peers = await client.execute(
    'SELECT rpc_address, schema_version FROM system.peers',
    [],
    host === undefined ? {} : { host },
  );
  return new Map(
    [...local.rows, ...peers.rows].map((row) => {
      const { rpc_address: address, schema_version: version } = row as {
        rpc_address?: unknown;
        schema_version?: unknown;
      };
      return [String(address), String(version)] as const;
    }),
  );
}
