/** How far the clocks of a ring's nodes are from this machine's. */
import type { ClockOffset } from '../types.js';
import type { Cluster } from './cluster.js';

/** Of the nodes that are up, to about half of what asking takes. @throws StoreError */
export async function clocksOf(cluster: Cluster): Promise<ClockOffset[]> {
  const client = await cluster.client();
  const up = client.hosts.values().filter((host) => host.isUp());
  return Promise.all(
    up.map(async (host) => {
      const askedMs = Date.now();
      const query = 'SELECT toUnixTimestamp(now()) AS now FROM system.local';
      const { rows } = await client.execute(query, [], { host });
      const [row] = rows as unknown as { readonly now: { toNumber(): number } }[];
      const answeredMs = Date.now();
      const nodeMs = row?.now.toNumber() ?? Number.NaN;
      return { address: host.address, offsetMs: nodeMs - (askedMs + answeredMs) / 2 };
    }),
  );
}
