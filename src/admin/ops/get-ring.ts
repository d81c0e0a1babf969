/** Where the data is: the nodes of Cassandra as this gateway's driver sees them, or the disks of the embedded store. */
import type { AdminContext } from '../admin-operation.js';

export async function getRing({ services }: AdminContext): Promise<object> {
  return services.s3.stores.topology();
}
