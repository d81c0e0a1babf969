// The Cassandra harness itself: a ring of three real nodes serves quorum reads and writes while one node is dead, and
// takes it back.
import cassandra from 'cassandra-driver';
import { beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import type { CassandraNode, CassandraRing } from '../cassandra/index.mjs';

const { quorum, all } = cassandra.types.consistencies;
const ROWS = 50;

describe('a three-node ring', () => {
  let ring: CassandraRing;
  let client: cassandra.Client;

  beforeAll(async () => {
    ring = await startRing({ nodes: 3 });
    return () => ring.stop();
  });

  beforeAll(async () => {
    client = new cassandra.Client({
      contactPoints: [...ring.contactPoints],
      localDataCenter: ring.localDataCenter,
      // The port of the peers that the driver discovers; without it, it looks for them at 9042.
      protocolOptions: { port: ring.nativePort },
      policies: { reconnection: new cassandra.policies.reconnection.ConstantReconnectionPolicy(500) },
    });
    await client.connect();
    await client.execute(
      "CREATE KEYSPACE ring WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 3}",
    );
    await client.execute('CREATE TABLE ring.entry (id int PRIMARY KEY, value text)');
    return () => client.shutdown();
  });

  const write = (id: number, consistency: number) =>
    client.execute('INSERT INTO ring.entry (id, value) VALUES (?, ?)', [id, `value ${id}`], {
      prepare: true,
      isIdempotent: true,
      consistency,
    });

  const read = async (id: number, consistency: number): Promise<unknown> => {
    const options = { prepare: true, isIdempotent: true, consistency };
    const query = 'SELECT value FROM ring.entry WHERE id = ?';
    const { rows } = await client.execute(query, [id], options);
    return rows[0]?.['value'];
  };

  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

  it('has every node listed as a peer by every other', async () => {
    expect(ring.nodes.map((node) => node.address)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    const { rows } = await client.execute('SELECT peer FROM system.peers_v2');
    expect(rows).toHaveLength(2);
  });

  it('keeps quorum while one node is dead, and takes it back', async () => {
    const [, victim] = ring.nodes as readonly [CassandraNode, CassandraNode, CassandraNode];
    for (const id of range(0, ROWS)) await write(id, quorum);

    await victim.kill();
    expect(victim.running).toBe(false);
    for (const id of range(0, ROWS)) expect(await read(id, quorum)).toBe(`value ${id}`);
    for (const id of range(ROWS, 2 * ROWS)) await write(id, quorum);
    await ring.waitUntilDown(victim);
    // The driver retries on the next host, so the servers' answer is an inner error.
    await expect(read(0, all)).rejects.toThrow('Not enough replicas available');

    const killedPid = victim.pid;
    await victim.restart();
    await ring.waitUntilUp();
    expect(victim.pid).not.toBe(killedPid);
    for (const id of range(0, 2 * ROWS)) expect(await read(id, all)).toBe(`value ${id}`);
  });
});
