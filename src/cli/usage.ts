/** usage: figures of buckets and tenants, counted along the listings. */
import { addUsage, countBucket, NO_USAGE } from '../maintenance/usage.js';
import type { Usage } from '../maintenance/usage.js';
import { everyBucket } from '../store/shared/every-bucket.js';
import type { BucketRecord, BucketStore, MetadataStore, Stores } from '../store/types.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const PAGE = 1_000;

export async function usage(context: CliContext): Promise<ExitCode> {
  const { options, output, signal } = context;
  const { stores } = await context.stores();
  const bucket = textOption(options, 'bucket');
  const tenant = textOption(options, 'tenant');
  if (bucket !== null && tenant !== null) throw new CliUsageError('--bucket or --tenant, not both');
  const json = options['json'] === true;
  const tenants = new Map<string, Usage>();
  let total = NO_USAGE;
  let buckets = 0;
  if (json) await output.write('{"buckets":[');
  for await (const record of bucketsOf(stores.buckets, { bucket, tenant })) {
    const counted = await countBucket({
      metadata: metadataOf(stores, record),
      bucket: record,
      signal,
      onPage: ({ versions, bytes }) =>
        output.progress({ label: record.name, fraction: null, detail: `${versions} versions, ${bytes} bytes` }),
    });
    total = addUsage(total, counted);
    tenants.set(record.owner.id, addUsage(tenants.get(record.owner.id) ?? NO_USAGE, counted));
    const row = { bucket: record.name, tenant: record.owner.id, region: record.region, ...counted };
    await output.write(json ? `${buckets === 0 ? '' : ','}\n${JSON.stringify(row)}` : lineOf(record.name, counted));
    buckets += 1;
  }
  if (json) {
    const rows = [...tenants].map(([name, counted]) => ({ tenant: name, ...counted }));
    await output.line(`\n],"tenants":${JSON.stringify(rows)},"total":${JSON.stringify({ buckets, ...total })}}`);
    return EXIT.clean;
  }
  for (const [name, counted] of tenants) await output.write(lineOf(`tenant ${name}`, counted));
  if (bucket === null && tenant === null) await output.write(lineOf(`all ${buckets} buckets`, total));
  return EXIT.clean;
}

function lineOf(name: string, { bytes, objects, versions, deleteMarkers, uploads, uploadBytes }: Usage): string {
  return (
    `${name}: ${bytes} bytes, ${objects} objects, ${versions} versions, ${deleteMarkers} delete markers, ` +
    `${uploads} uploads with ${uploadBytes} bytes\n`
  );
}

async function* bucketsOf(
  store: BucketStore,
  { bucket, tenant }: { readonly bucket: string | null; readonly tenant: string | null },
): AsyncGenerator<BucketRecord> {
  if (bucket !== null) {
    const record = await store.get(bucket, { fresh: true });
    if (record === null) throw new CliUsageError(`there is no bucket '${bucket}'`);
    yield record;
    return;
  }
  yield* everyBucket({
    pageAfter: (after) =>
      tenant === null ? store.scanAll({ after, limit: PAGE }) : store.list(tenant, { prefix: '', after, limit: PAGE }),
  });
}

function metadataOf(stores: Stores, { name, region }: BucketRecord): MetadataStore {
  const found = stores.regions.get(region);
  if (found === undefined)
    throw new CliUsageError(`bucket '${name}' is of region '${region}', which is not configured`);
  return found.metadata;
}
