/** buckets: lists buckets, or shows one of them with what it is configured to do. */
import { everyBucket } from '../store/shared/every-bucket.js';
import type { BucketRecord } from '../store/types.js';
import { CliUsageError, EXIT, textOption } from './context.js';
import type { CliContext, ExitCode } from './context.js';

const PAGE = 1_000;
const FORMAT = 'pithos-buckets/1';

export async function buckets(context: CliContext): Promise<ExitCode> {
  const { verb, options, output, signal } = context;
  const { stores } = await context.stores();
  const json = options['json'] === true;
  const tenant = textOption(options, 'tenant');
  const name = textOption(options, 'bucket');
  if (verb === 'show') {
    if (name === null) throw new CliUsageError('which bucket? --bucket says so');
    const record = await stores.buckets.get(name, { fresh: true });
    if (record === null) throw new CliUsageError(`there is no bucket '${name}'`);
    const row = { ...rowOf(record), configurations: Object.keys(record.documents).sort() };
    if (json) await output.line(JSON.stringify({ format: FORMAT, bucket: row }));
    else for (const [key, value] of Object.entries(row)) await output.line(`${key}: ${String(value)}`);
    return EXIT.clean;
  }
  if (name !== null) throw new CliUsageError('buckets list takes --tenant, not --bucket');
  let first = true;
  if (json) await output.write(`{"format":"${FORMAT}","buckets":[`);
  const pageAfter = (after: string) =>
    tenant === null
      ? stores.buckets.scanAll({ after, limit: PAGE })
      : stores.buckets.list(tenant, { prefix: '', after, limit: PAGE });
  for await (const record of everyBucket({ pageAfter })) {
    signal.throwIfAborted();
    const row = rowOf(record);
    const text = `${row.bucket}\t${row.tenant}\t${row.region}\t${row.created}\t${row.versioning}`;
    await output.write(json ? `${first ? '' : ','}\n${JSON.stringify(row)}` : `${text}\n`);
    first = false;
  }
  if (json) await output.line('\n]}');
  return EXIT.clean;
}

function rowOf(record: BucketRecord) {
  return {
    bucket: record.name,
    tenant: record.owner.id,
    region: record.region,
    created: new Date(record.createdAt).toISOString(),
    versioning: record.versioning,
    objectLock: record.objectLock,
    state: record.state,
  };
}
