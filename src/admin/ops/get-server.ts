/** What this server is and what it is doing: version, store, workers, requests of the last minutes, what waits for the sweeper. */
import type { AdminContext } from '../admin-operation.js';

export async function getServer({ services, nowMs }: AdminContext): Promise<object> {
  const { s3, reporter } = services;
  const { facts } = reporter;
  const { workers, throughput, backlog } = await reporter.activity();
  return {
    version: facts.version,
    startedAt: new Date(facts.startedAtMs).toISOString(),
    uptimeSeconds: Math.max(0, Math.floor((nowMs - facts.startedAtMs) / 1000)),
    store: s3.stores.kind,
    defaultRegion: s3.settings.defaultRegion,
    regions: [...s3.stores.regions.values()].map(({ name, blobs }) => ({ name, storageClasses: [...blobs.keys()] })),
    workers: { configured: facts.workers, answering: workers },
    throughput: {
      intervalSeconds: throughput.slotMs / 1000,
      from: new Date(throughput.fromMs).toISOString(),
      operations: throughput.operations,
    },
    backlog,
  };
}
